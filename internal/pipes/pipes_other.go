//go:build !linux

package pipes

import "os"

// Widen makes room in a pipe where the system can.
func Widen(*os.File) {}

// Buffered is at most what a pipe can hold; reading stops where it is empty.
func Buffered(*os.File) int { return 64 << 10 }
