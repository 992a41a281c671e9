package process_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hotcell/process"
)

// program makes files that can be started, or not.
func program(t *testing.T, dir string, mode fs.FileMode, names ...string) string {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWithPython(t *testing.T) {
	t.Parallel()
	three, both, two := program(t, t.TempDir(), 0o755, "python3"), program(t, t.TempDir(), 0o755, "python", "python3"), program(t, t.TempDir(), 0o755, "python")
	for _, c := range []struct {
		name       string
		path       []string
		link, want string // nothing is linked: ""
	}{
		{"only python3", []string{three, both}, "python", three + "/python3"},
		{"both", []string{both, three}, "", ""},
		{"only python", []string{t.TempDir(), two, three}, "python3", two + "/python"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			scratch := t.TempDir()
			h, err := process.Host{Path: c.path, Scratch: scratch}.WithPython()
			if err != nil {
				t.Fatal(err)
			}
			if c.link == "" {
				if !slices.Equal(h.Path, c.path) {
					t.Errorf("the path is %v", h.Path)
				}
				return
			}
			bin := filepath.Join(scratch, "bin")
			if target, err := os.Readlink(filepath.Join(bin, c.link)); target != c.want || h.Path[0] != bin || err != nil {
				t.Errorf("%s is %s, the path is %v: %v", c.link, target, h.Path, err)
			}
			if again, err := (process.Host{Path: c.path, Scratch: scratch}).WithPython(); err != nil || !slices.Equal(again.Path, h.Path) {
				t.Errorf("the second time: %v %v", again.Path, err)
			}
		})
	}
	if h, err := (process.Host{Path: []string{three}}).WithPython(); err != nil || len(h.Path) != 1 {
		t.Errorf("without a place for it: %v %v", h.Path, err)
	}
}

func TestLookPath(t *testing.T) {
	t.Parallel()
	dir := program(t, t.TempDir(), 0o755, "a")
	other := program(t, program(t, t.TempDir(), 0o644, "a", "c"), 0o755, "b")
	env := []string{"PATH=/nope", "PATH=" + other + ":" + dir + ":"}
	for name, want := range map[string]string{
		"a": dir + "/a", "b": other + "/b", "./a": dir + "/a", dir + "/a": dir + "/a", "../" + filepath.Base(other) + "/b": filepath.Clean(dir + "/../" + filepath.Base(other) + "/b"),
	} {
		if got, err := process.LookPath(name, dir, env); got != want || err != nil {
			t.Errorf("%s is %s, not %s: %v", name, got, want, err)
		}
	}
	for name, want := range map[string]error{"c": fs.ErrPermission, "d": fs.ErrNotExist, "": fs.ErrNotExist, "/": fs.ErrPermission, "./d": fs.ErrNotExist} {
		if got, err := process.LookPath(name, dir, env); !errors.Is(err, want) {
			t.Errorf("%q is %s: %v", name, got, err)
		}
	}
}
