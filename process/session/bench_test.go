package session_test

import (
	"testing"

	"hotcell/process"
	"hotcell/process/session"
)

func BenchmarkTrue(b *testing.B) {
	set := session.New(session.Config{Host: process.Host{Scratch: b.TempDir()}})
	defer set.Close()
	s, err := set.Create(b.Context(), process.Place{Sandbox: "sb", Dir: b.TempDir()}, "s")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c, err := s.Execute(session.Request{Text: "true"})
		if err != nil {
			b.Fatal(err)
		}
		<-c.Done()
	}
}

func BenchmarkCreateAndDelete(b *testing.B) {
	set := session.New(session.Config{Host: process.Host{Scratch: b.TempDir()}})
	defer set.Close()
	place := process.Place{Sandbox: "sb", Dir: b.TempDir()}
	for b.Loop() {
		if _, err := set.Create(b.Context(), place, "s"); err != nil {
			b.Fatal(err)
		}
		if err := set.Delete(b.Context(), "sb", "s"); err != nil {
			b.Fatal(err)
		}
	}
}
