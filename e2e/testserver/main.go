package testserver

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Main is a TestMain: a test binary that starts servers is itself started as a
// kernel by some runtimes, and no goroutine may be left at its end.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "be-child" {
		os.Exit(beChild(os.Args[2:]))
	}
	// fasthttp keeps the current date in a variable, for as long as the
	// process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// beChild is what the program itself does after this word.
func beChild(args []string) int {
	_ = args
	return 2
}
