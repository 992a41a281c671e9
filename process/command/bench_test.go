package command_test

import (
	"io"
	"testing"

	"hotcell/process"
	"hotcell/process/command"
)

func BenchmarkRun(b *testing.B) {
	s := command.New(command.Config{Host: process.Host{Scratch: b.TempDir()}})
	defer s.Close()
	for _, text := range []string{"true", "ls", "sleep 600 >/dev/null 2>&1 &", "seq 1 2000000"} {
		b.Run(text, func(b *testing.B) {
			p := process.Place{Sandbox: "sb", Dir: b.TempDir()}
			for b.Loop() {
				r, err := s.Run(b.Context(), command.Spec{Place: p, Text: text})
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, r.Output.Reader())
				_ = r.Output.Close()
			}
		})
	}
}
