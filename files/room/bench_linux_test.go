package room_test

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"hotcell/files"
	"hotcell/files/room"
	"hotcell/process"
)

// BenchmarkRoom compares what goes through an agent with what doesn't.
func BenchmarkRoom(b *testing.B) {
	for _, tc := range []struct {
		name string
		of   func(b *testing.B) (room.Room, string)
	}{
		{"here", func(b *testing.B) (room.Room, string) {
			b.Helper()
			p := process.Place{Dir: b.TempDir()}
			return room.New(room.Config{}).Of(p), p.Dir
		}},
		{"agent", func(b *testing.B) (room.Room, string) {
			b.Helper()
			s, p := place(b, room.Config{})
			return s.Of(p), p.Dir
		}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			r, dir := tc.of(b)
			if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
				b.Fatal(err)
			}
			b.Run("info", func(b *testing.B) {
				for b.Loop() {
					if _, err := r.Info(b.Context(), "f"); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("write", func(b *testing.B) {
				piece := make([]byte, 64<<10)
				b.SetBytes(64 << 20)
				for b.Loop() {
					d, err := r.Create(b.Context(), "big")
					for range 1024 {
						if err == nil {
							_, err = d.Write(piece)
						}
					}
					if err == nil {
						err = d.Commit()
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("read", func(b *testing.B) {
				b.SetBytes(64 << 20)
				for b.Loop() {
					c, err := r.Open(b.Context(), "big")
					if err != nil {
						b.Fatal(err)
					}
					n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 64<<10))
					if err != nil || n != 64<<20 {
						b.Fatal(n, err)
					}
					_ = c.Close()
				}
			})
			b.Run("list", func(b *testing.B) {
				if err := os.Mkdir(filepath.Join(dir, "many"), 0o755); err != nil && !os.IsExist(err) {
					b.Fatal(err)
				}
				for i := range files.MaxEntries {
					if err := os.WriteFile(filepath.Join(dir, "many", "file-"+strconv.Itoa(i)), nil, 0o644); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					if _, _, err := r.List(b.Context(), "many", 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s, p := place(b, room.Config{})
			if _, err := s.Of(p).Info(b.Context(), "."); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}
