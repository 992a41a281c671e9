package stream_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"hotcell/stream"
)

// BenchmarkShort is what a short execution adds: it is accepted, begins, has a result,
// and ends.
func BenchmarkShort(b *testing.B) {
	j, err := stream.OpenJournal(b.TempDir(), stream.JournalOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	more := json.RawMessage(`{"language":"python"}`)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tape, err := j.Create(stream.Meta{Kind: "execution", ID: fmt.Sprint(i), Group: "default", Parent: "a context", Created: time.Now(), More: more})
		if err != nil {
			b.Fatal(err)
		}
		l := stream.New(codec{}, tape, stream.Options{})
		for range 2 {
			_, _ = l.Append(func(seq uint64) record { return record{seq, 150} })
		}
		l.Finish(func(seq uint64) record { return record{seq, 150} }, more, nil)
	}
}

// BenchmarkOutput is what a fast printer's pieces add.
func BenchmarkOutput(b *testing.B) {
	j, err := stream.OpenJournal(b.TempDir(), stream.JournalOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	tape, err := j.Create(stream.Meta{Kind: "execution", ID: "x", Group: "default"})
	if err != nil {
		b.Fatal(err)
	}
	const piece = 32 << 10
	l := stream.New(codec{}, tape, stream.Options{Disk: 1 << 40})
	b.SetBytes(piece)
	for b.Loop() {
		_, _ = l.Append(func(seq uint64) record { return record{seq, piece} })
	}
}

// BenchmarkStart reads 256 MiB again.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	j, err := stream.OpenJournal(dir, stream.JournalOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 8 {
		tape, _ := j.Create(stream.Meta{Kind: "execution", ID: fmt.Sprint(i), Group: "default"})
		l := stream.New(codec{}, tape, stream.Options{Disk: 1 << 40})
		for range 1024 {
			_, _ = l.Append(func(seq uint64) record { return record{seq, 32 << 10} })
		}
		l.Close()
	}
	j.Close()
	b.SetBytes(256 << 20)
	for b.Loop() {
		j, err := stream.OpenJournal(dir, stream.JournalOptions{})
		if err != nil {
			b.Fatal(err)
		}
		j.Close()
	}
}
