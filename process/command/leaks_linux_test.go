package command_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/stream"
)

// TestNothingIsLeft counts descriptors and files after commands of all kinds. It
// runs before its parallel neighbours do.
func TestNothingIsLeft(t *testing.T) {
	scratch := t.TempDir()
	s := command.New(command.Config{Host: process.Host{Scratch: scratch}, Store: stream.NewJournal(scratch, stream.JournalOptions{Count: 2, Bytes: 4 << 20})})
	p := process.Place{Sandbox: "sb", Dir: t.TempDir()}
	round := func() {
		for _, spec := range []command.Spec{
			{Text: "echo x"},
			{Text: "sleep 600 & echo x"},
			{Text: "(setsid sleep 600 &) ; exit 3"},
			{Text: "sleep 600", Timeout: 20 * time.Millisecond},
			{Text: "head -c 2000000 /dev/zero"},
			{Text: fmt.Sprintf("echo %0200000d", 0)},
			{Argv: []string{"true"}},
			{Argv: []string{"nosuchprogram"}},
			{Text: "true", Cwd: "nope"},
			{Text: ""},
			{Text: "cat", Stdin: true, Timeout: 20 * time.Millisecond},
		} {
			spec.Place = p
			if r, err := s.Run(t.Context(), spec); err == nil {
				_ = r.Output.Close()
			}
			if c, err := s.Start(t.Context(), spec); err == nil {
				<-c.Done()
			}
		}
	}
	count := func() int {
		names, _ := os.ReadDir("/proc/self/fd")
		return len(names)
	}
	round()
	before := count()
	for range 2 {
		round()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
	s.Close()
	if left, _ := filepath.Glob(filepath.Join(scratch, "*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if left := procs.Descendants(os.Getpid()); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
