package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/contexts"
	"hotcell/runtimes"
)

func TestReadyWithoutRuntimes(t *testing.T) {
	table := runtimes.NewTable()
	e := &engine{table: table, contexts: contexts.New(t.Context(), contexts.Config{Table: table})}
	defer e.contexts.Close()
	e.probe.dir = t.TempDir()
	checks := e.ready()
	if checks["runtimes"].OK || checks["kernels"].OK || !checks["data_directory"].OK || !checks["serving"].OK {
		t.Errorf("%+v", checks)
	}
	e.probe.ending.Store(true)
	if c := e.ready()["serving"]; c.OK || c.Reason == "" {
		t.Errorf("%+v", c)
	}
}

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	p := &probe{dir: dir}
	if c := p.writable(); !c.OK {
		t.Errorf("%+v", c)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
	p = &probe{dir: filepath.Join(dir, "away")}
	if c := p.writable(); c.OK || strings.Contains(c.Reason, dir) {
		t.Errorf("%+v", c)
	}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if c := p.writable(); c.OK {
		t.Error("the disk was asked twice within a second")
	}
}
