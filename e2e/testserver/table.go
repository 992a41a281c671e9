package testserver

import (
	"os"
	"path/filepath"
	"testing"

	"hotcell/runtimes"
	"hotcell/runtimes/golang"
	"hotcell/runtimes/node"
	"hotcell/runtimes/python"
)

// table finds the real runtimes.
func table(tb testing.TB, o options) *runtimes.Table {
	tb.Helper()
	if o.runtimes != nil {
		return runtimes.NewTable(o.runtimes...)
	}
	return runtimes.NewTable(
		python.New(python.Config{Program: o.python, Preload: o.preload, ScratchDir: tb.TempDir(), Log: o.log}),
		node.New(node.Config{ScratchDir: tb.TempDir(), Log: o.log}),
		golang.New(golang.Config{ScratchDir: tb.TempDir(), Log: o.log}),
	)
}

// kernelPython is the Python in which user code runs: what `make test` says,
// else what `make setup` made, else whatever there is.
func kernelPython() string {
	if p := os.Getenv("HOTCELL_PYTHON"); p != "" {
		return p
	}
	p := filepath.Join(root(), ".venv", "bin", "python")
	if _, err := os.Stat(p); err == nil {
		return p
	}
	return ""
}

// ClientPython is the Python that has the client libraries under test.
func ClientPython(tb testing.TB) string {
	tb.Helper()
	return found(tb, "HOTCELL_TEST_PYTHON", filepath.Join(root(), ".venv-test", "bin", "python"))
}

// NodeModules is the directory that has the client libraries under test.
func NodeModules(tb testing.TB) string {
	tb.Helper()
	return found(tb, "HOTCELL_E2E_NODE_MODULES", filepath.Join(root(), "e2e", "node_modules"))
}

// OldestPython is the Python that has the oldest libraries whose figures are read.
func OldestPython(tb testing.TB) string {
	tb.Helper()
	return found(tb, "HOTCELL_OLDEST_PYTHON", filepath.Join(root(), ".venv-oldest", "bin", "python"))
}

func found(tb testing.TB, variable, usual string) string {
	tb.Helper()
	path := usual
	if p := os.Getenv(variable); p != "" {
		path = p
	}
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("%s is not there: run `make setup`, or set %s", path, variable)
	}
	return path
}
