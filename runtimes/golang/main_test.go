package golang_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"hotcell/runtimes/golang/driver"
)

// TestMain makes the test binary a kernel when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "be-child" && os.Args[2] == "go" {
		os.Exit(driver.Main())
	}
	goleak.VerifyTestMain(m)
}
