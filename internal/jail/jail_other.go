//go:build !linux

package jail

import (
	"fmt"
	"os"
)

// Main is the first process of a jail, of which there are none here.
func Main([]string) int {
	fmt.Fprintln(os.Stderr, "hotcell jail: there are none on this system")
	return 2
}
