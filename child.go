package main

import (
	"fmt"
	"os"

	"hotcell/files/room"
	"hotcell/runtimes/golang/driver"
)

// beChild is the binary in one of its other roles: a kernel's process must not
// be able to bring down the server, so the server starts itself anew.
func beChild(args []string) int {
	if len(args) == 1 && args[0] == "go" {
		return driver.Main()
	}
	if len(args) > 0 && args[0] == "files" {
		return room.Main(args[1:])
	}
	fmt.Fprintf(os.Stderr, "hotcell: be-child %q is not for people\n", args)
	return 2
}
