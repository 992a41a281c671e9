// Package faults_test lets code do the worst it can, in every language, and
// checks that the client is told in time, that the context goes on, that
// nothing is left behind, and that nobody else notices.
package faults_test

import (
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// state says what becomes of the context's variables.
type state int

const (
	kept   state = iota // they are there afterwards
	lost                // the kernel was replaced, and its names are told
	either              // whichever the client was told
)

// fault is one thing that code can do.
type fault struct {
	name    string
	code    string
	env     map[string]string // of the context
	timeout time.Duration     // of the run; 0: it ends by itself
	// interrupt and kill: what a client, or somebody on the machine, does to
	// the run once it has printed "in".
	interrupt, kill bool
	idle            bool     // the kill comes when the cell is over
	status          string   // empty: ok
	errname         string   // a regular expression; empty: no error
	value           []string // what the error's value contains
	out             string   // what standard output contains
	state           state
}

// language is how a language says what the tests need.
type language struct {
	name   string
	setup  string // makes the variable kept
	pid    string // prints the kernel's process number, and in which namespace that is so
	check  string // prints kept's value, or has it as its own
	quick  string // what another context does meanwhile
	faults []fault
}

// deadline is when a client must know, once the run is over its limits.
const deadline = 3 * time.Second

func languages() []language {
	return []language{
		{
			name: "python", setup: "kept = 'still here'\nimport os", pid: "print(os.getpid(), os.readlink('/proc/self/ns/pid'))",
			check: "print(kept)", quick: "1+1", faults: pythonFaults(),
		},
		{
			name: "javascript", setup: "let kept = 'still here'", pid: "console.log(process.pid, require('fs').readlinkSync('/proc/self/ns/pid'))",
			check: "kept", quick: "1+1", faults: javascriptFaults(),
		},
		{
			name: "go", setup: "import (\"fmt\"; \"os\")\nkept := \"still here\"", pid: "fmt.Print(os.Getpid(), \" \")\nfmt.Println(os.Readlink(\"/proc/self/ns/pid\"))",
			check: "import \"fmt\"\nfmt.Println(kept)", quick: "1+1", faults: goFaults(),
		},
	}
}
