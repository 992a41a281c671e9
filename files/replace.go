package files

import (
	"bytes"
	"context"
	"io"
)

// Replaced is what became of one file.
type Replaced struct {
	File string // as the client named it
	Err  error
}

// Replace puts one text in place of another, which is meant as it stands,
// wherever it is in the files. What is done to a file is done whole or not at
// all; one that doesn't hold the text isn't touched.
func (t Tree) Replace(ctx context.Context, paths []string, old, text string) ([]Replaced, error) {
	if old == "" {
		return nil, argument("the pattern is empty: give the text to replace")
	}
	done := []Replaced{}
	for _, path := range paths {
		if err := ended(ctx); err != nil {
			return nil, err
		}
		done = append(done, Replaced{File: path, Err: t.replace(path, []byte(old), []byte(text))})
	}
	return done, nil
}

func (t Tree) replace(path string, old, text []byte) error {
	was, err := t.read(path)
	if err != nil {
		return err
	}
	times := bytes.Count(was, old)
	if times == 0 {
		return nil
	}
	if len(was)+times*(len(text)-len(old)) > MaxReplace {
		return &Error{Path: path, Kind: ErrArgument, Words: "it would be larger than 64 MiB, the limit for replacing text"}
	}
	d, err := t.Create(path)
	if err != nil {
		return err
	}
	if _, err := d.Write(bytes.ReplaceAll(was, old, text)); err != nil {
		d.Discard()
		return err
	}
	return d.Commit()
}

func (t Tree) read(path string) ([]byte, error) {
	c, err := t.Open(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c.Size > MaxReplace {
		return nil, &Error{Path: path, Kind: ErrArgument, Words: "it is larger than 64 MiB, the limit for replacing text"}
	}
	all := make([]byte, c.Size)
	_, err = io.ReadFull(c, all)
	return all, err
}
