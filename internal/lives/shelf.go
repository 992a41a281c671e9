package lives

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const (
	cardName = ".json"
	badName  = ".unreadable"
)

// Shelf keeps one small file for each thing of a kind, such as a context, so that
// the next server knows that it was there.
type Shelf[T any] struct {
	dir string
	log *slog.Logger
}

// NewShelf returns the shelf in a directory, which is made if need be.
func NewShelf[T any](dir string, log *slog.Logger) (*Shelf[T], error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a directory for records: %w", err)
	}
	return &Shelf[T]{dir: dir, log: log}, nil
}

// path is where the thing with this name is. Names may hold anything.
func (s *Shelf[T]) path(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+cardName)
}

// Put keeps a thing, in place of what was kept under this name. A disk that refuses
// is no reason to refuse anybody anything: the next server knows less then.
func (s *Shelf[T]) Put(name string, thing T) {
	if s == nil {
		return
	}
	raw, err := json.Marshal(thing)
	if err == nil {
		err = replace(s.path(name), raw)
	}
	if err != nil {
		s.log.Warn("a record could not be kept", slog.String("of", name), slog.Any("error", err))
	}
}

// Remove forgets a thing.
func (s *Shelf[T]) Remove(name string) {
	if s != nil {
		_ = os.Remove(s.path(name)) // that it isn't there is as good
	}
}

// All returns what is kept, in no order. What cannot be read is set aside.
func (s *Shelf[T]) All() []T {
	if s == nil {
		return nil
	}
	files, err := os.ReadDir(s.dir)
	if err != nil {
		s.log.Error("records cannot be read", slog.String("directory", s.dir), slog.Any("error", err))
		return nil
	}
	var out []T
	for _, f := range files {
		path := filepath.Join(s.dir, f.Name())
		if strings.HasPrefix(f.Name(), ".new-") { // a server died over it
			_ = os.Remove(path)
		}
		if !strings.HasSuffix(f.Name(), cardName) {
			continue
		}
		var thing T
		raw, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(raw, &thing)
		}
		if err != nil {
			s.log.Error("a record cannot be read and was set aside", slog.String("file", path),
				slog.Any("reason", err), slog.Any("error", os.Rename(path, path+badName)))
			continue
		}
		out = append(out, thing)
	}
	return out
}
