package isolation_test

import (
	"fmt"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/internal/jail"
	"hotcell/process/command"
	"hotcell/process/terminal"
)

// BenchmarkStarts compares what is started inside with what is started outside.
func BenchmarkStarts(b *testing.B) {
	for _, mode := range []jail.Mode{jail.None, jail.Namespace, jail.Process} {
		s := testserver.Start(b, testserver.WithIsolation(mode, jail.Host))
		place := s.Place(b, "default")
		n := 0
		for _, c := range []struct {
			name string
			once func() error
		}{
			{"command", func() error {
				r, err := s.Tools.Commands.Run(b.Context(), command.Spec{Place: place, Text: "true"})
				if err == nil {
					r.Output.Close()
				}
				return err
			}},
			{"session", func() error {
				n++
				if _, err := s.Tools.Sessions.Create(b.Context(), place, fmt.Sprint(n)); err != nil {
					return err
				}
				return s.Tools.Sessions.Delete(b.Context(), "default", fmt.Sprint(n))
			}},
			{"terminal", func() error {
				n++
				t, err := s.Tools.Terminals.Create(b.Context(), place, terminal.Options{ID: fmt.Sprint(n)})
				if err == nil {
					t.Kill()
				}
				return err
			}},
		} {
			b.Run(string(mode)+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					if err := c.once(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
