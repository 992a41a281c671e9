package main

import (
	"fmt"
	"os"

	"hotcell/files/room"
	"hotcell/internal/jail"
	"hotcell/runtimes/golang/driver"
)

// beChild is the binary in one of its other roles: a kernel's process, or the
// first one of a sandbox, must not
// be able to bring down the server, so the server starts itself anew.
func beChild(args []string) int {
	switch {
	case len(args) == 1 && args[0] == "go":
		return driver.Main()
	case len(args) > 0 && args[0] == "init":
		return jail.Main(args[1:])
	case len(args) > 0 && args[0] == "files":
		return room.Main(args[1:])
	}
	fmt.Fprintf(os.Stderr, "hotcell: be-child %q is not for people\n", args)
	return 2
}
