package files_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// inside is what this binary does as code of a sandbox.
func inside(args []string) int {
	var err error
	switch args[0] {
	case "swap": // two names, until it is killed
		fmt.Println("begun")
		for err == nil {
			err = unix.Renameat2(unix.AT_FDCWD, args[1], unix.AT_FDCWD, args[2], unix.RENAME_EXCHANGE)
		}
	case "fill": // a directory with so many files
		var n int
		if n, err = strconv.Atoi(args[2]); err == nil {
			err = os.MkdirAll(args[1], 0o755)
		}
		for i := 0; i < n && err == nil; i++ {
			var fd int
			if fd, err = unix.Open(filepath.Join(args[1], strconv.Itoa(i)), unix.O_CREAT|unix.O_WRONLY, 0o644); err == nil {
				_ = unix.Close(fd)
			}
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}
