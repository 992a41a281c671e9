package screen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/process/terminal/screen"
)

// TestPrograms plays what real programs wrote, and compares with what another
// emulator, xterm.js 5.5 without a display, made of it. The same recordings are
// then cut at many places, and whoever comes in there must see the same.
func TestPrograms(t *testing.T) {
	t.Parallel()
	recordings, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(recordings) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, file := range recordings {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(strings.TrimSuffix(file, ".bin") + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			got, at := "", 0
			s := screen.New(80, 24)
			for i := range 4 {
				cut := len(raw) * (i + 1) / 4
				_, _ = s.Write(raw[at:cut])
				at = cut
				got += s.Picture(cut)
			}
			if diff := cmp.Diff(string(golden), got); diff != "" {
				t.Errorf("(-xterm.js +ours):\n%s", diff)
			}
			comeIn(t, raw, s.Dump())
		})
	}
}

func comeIn(t *testing.T, raw []byte, whole screen.Dump) {
	t.Helper()
	seen := screen.New(80, 24)
	for at := 0; at <= len(raw); at += 37 {
		late := screen.New(80, 24)
		_, _ = late.Write(seen.Replay())
		if diff := cmp.Diff(seen.Dump(), late.Dump()); diff != "" {
			t.Fatalf("after %d bytes (-seen +late):\n%s", at, diff)
		}
		if at%(37*16) == 0 {
			_, _ = late.Write(raw[at:])
			if diff := cmp.Diff(whole, late.Dump()); diff != "" {
				t.Fatalf("at the end, from byte %d (-whole +late):\n%s", at, diff)
			}
		}
		_, _ = seen.Write(raw[at:min(at+37, len(raw))])
	}
}
