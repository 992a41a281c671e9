package testserver

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"hotcell/files/room"
	"hotcell/internal/jail"
	"hotcell/runtimes/golang/driver"
)

// Main is a TestMain: a test binary that starts servers is itself started as a
// kernel by some runtimes, and no goroutine may be left at its end.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "be-child" {
		os.Exit(beChild(os.Args[2:]))
	}
	goleak.VerifyTestMain(m,
		// fasthttp keeps the current date in a variable, as long as the process lives,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// and a stopped pool's cleaner finds out at its next turn, 10 s later.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// beChild is what the program itself does after this word.
func beChild(args []string) int {
	switch {
	case len(args) > 0 && args[0] == "go":
		return driver.Main()
	case len(args) > 0 && args[0] == "init":
		return jail.Main(args[1:])
	case len(args) > 0 && args[0] == "files":
		return room.Main(args[1:])
	}
	return 2
}
