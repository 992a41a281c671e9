package lives

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	shelfName = ".jsonl"
	badName   = ".unreadable"
	newName   = ".new-"
	// gone takes the place of a line's first byte when what it says is no longer so.
	gone = ' '
	// litter is how much of a file may say nothing: it is written anew when that is
	// this much, and most of it.
	litter = 1 << 20
)

// Shelf keeps small things of a kind, such as contexts, so that the next server knows that
// they were there. They are lines of one file: to keep one, or to forget it, is a short
// write to what is open already, where a file for each would be made, renamed and removed.
type Shelf[T any] struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	file  *os.File
	lines map[string]line
	size  int64
	waste int64 // how much of it says nothing
	torn  bool  // the file ends within a line
}

// line is where a thing is.
type line struct{ at, size int64 }

// entry is a thing as a line has it.
type entry struct {
	Of string          `json:"of"`
	Is json.RawMessage `json:"is"`
}

// OpenShelf opens the shelf with this path, but for the ending of its name; it is made if
// need be. A line that can't be read is set aside.
func OpenShelf[T any](path string, log *slog.Logger) (*Shelf[T], error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make a directory for records: %w", err)
	}
	s := &Shelf[T]{path: path + shelfName, log: log}
	if err := s.clear(); err != nil {
		return nil, err
	}
	var err error
	if s.file, err = os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("open the records: %w", err)
	}
	if err := s.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", s.path, err), s.file.Close())
	}
	return s, nil
}

// clear removes what a server died over, and what one has left that had a directory of
// files here.
func (s *Shelf[T]) clear() error {
	dir, name := filepath.Split(s.path)
	all, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("find the records: %w", err)
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), name+newName) || e.IsDir() && e.Name()+shelfName == name {
			_ = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return nil
}

// read finds what there is.
func (s *Shelf[T]) read() error {
	raw, err := io.ReadAll(s.file)
	if err != nil {
		return err
	}
	s.lines, s.size, s.waste, s.torn = make(map[string]line), int64(len(raw)), 0, false
	var bad []byte
	var spoilt []line
	for at := 0; at < len(raw); {
		n := bytes.IndexByte(raw[at:], '\n') + 1
		if s.torn = n == 0; s.torn { // a server died over it
			s.strike(line{int64(at), int64(len(raw) - at)})
			break
		}
		text, l := raw[at:at+n], line{int64(at), int64(n)}
		at += n
		if text[0] == gone || n == 1 {
			s.waste += l.size
			continue
		}
		e, _, err := parse[T](text)
		if err != nil {
			bad, spoilt = append(bad, text...), append(spoilt, l)
			continue
		}
		if old, ok := s.lines[e.Of]; ok { // it died between the two
			s.strike(old)
		}
		s.lines[e.Of] = l
	}
	if len(bad) == 0 {
		return nil
	}
	if err := add(s.path+badName, bad); err != nil {
		s.log.Error("records cannot be read, nor set aside", slog.String("file", s.path), slog.Any("error", err))
		return nil
	}
	for _, l := range spoilt {
		s.strike(l)
	}
	s.log.Error("records cannot be read and were set aside", slog.String("file", s.path+badName))
	return nil
}

func parse[T any](text []byte) (e entry, thing T, err error) {
	if err = json.Unmarshal(text, &e); err == nil {
		err = json.Unmarshal(e.Is, &thing)
	}
	return e, thing, err
}

func add(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// Put keeps a thing, in place of what was kept under this name. A disk that refuses
// is no reason to refuse anybody anything: the next server knows less then.
func (s *Shelf[T]) Put(name string, thing T) {
	if s == nil {
		return
	}
	is, err := json.Marshal(thing)
	if err == nil {
		err = s.put(name, is)
	}
	if err != nil {
		s.log.Warn("a record could not be kept", slog.String("of", name), slog.Any("error", err))
	}
}

func (s *Shelf[T]) put(name string, is json.RawMessage) error {
	text, err := json.Marshal(entry{name, is})
	if err != nil {
		return err
	}
	text = append(text, '\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.torn { // ends that line
		text = append([]byte{'\n'}, text...)
	}
	if n, err := s.file.WriteAt(text, s.size); err != nil {
		if n > 0 && s.file.Truncate(s.size) != nil {
			s.strike(line{s.size, int64(n)})
			s.size, s.torn = s.size+int64(n), true
		}
		return err
	}
	l := line{s.size, int64(len(text))}
	s.size += l.size
	if s.torn {
		l.at, l.size, s.torn = l.at+1, l.size-1, false
		s.waste++
	}
	if old, ok := s.lines[name]; ok {
		s.strike(old)
	}
	s.lines[name] = l
	s.tidy()
	return nil
}

// Remove forgets a thing.
func (s *Shelf[T]) Remove(name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.lines[name]; ok {
		delete(s.lines, name)
		s.strike(l)
	}
}

// strike has a line say nothing. It needs no room on the disk. mu is held.
func (s *Shelf[T]) strike(l line) {
	s.waste += l.size
	if _, err := s.file.WriteAt([]byte{gone}, l.at); err != nil {
		s.log.Warn("a record could not be removed", slog.String("file", s.path), slog.Any("error", err))
	}
}

// tidy writes the file anew when most of it says nothing. mu is held.
func (s *Shelf[T]) tidy() {
	if s.waste < litter || s.waste < s.size/2 {
		return
	}
	if err := s.rewrite(); err != nil {
		s.waste = 0 // not again with every line
		s.log.Warn("records could not be written anew", slog.String("file", s.path), slog.Any("error", err))
	}
}

func (s *Shelf[T]) rewrite() error {
	raw, err := s.content()
	if err != nil {
		return err
	}
	text, lines := make([]byte, 0, s.size-s.waste), make(map[string]line, len(s.lines))
	for name, l := range s.lines {
		lines[name] = line{int64(len(text)), l.size}
		text = append(text, raw[l.at:l.at+l.size]...)
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+newName+"*") // mode 0600
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	_ = s.file.Close() // nobody finds it any more
	s.file, s.lines, s.size, s.waste, s.torn = f, lines, int64(len(text)), 0, false
	return nil
}

func (s *Shelf[T]) content() ([]byte, error) {
	raw := make([]byte, s.size)
	if _, err := s.file.ReadAt(raw, 0); err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	return raw, nil
}

// All returns what is kept, in no order.
func (s *Shelf[T]) All() []T {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := s.content()
	if err != nil {
		s.log.Error("records cannot be read", slog.String("file", s.path), slog.Any("error", err))
		return nil
	}
	out := make([]T, 0, len(s.lines))
	for _, l := range s.lines {
		if _, thing, err := parse[T](raw[l.at : l.at+l.size]); err == nil { // as it was before
			out = append(out, thing)
		}
	}
	return out
}

// Close gives the file up. What is kept after that is not.
func (s *Shelf[T]) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Close()
}
