//go:build !linux

package stream

import "os"

func unlinked(dir string) (*os.File, error) { return named(dir) }

func punch(*os.File, int64, int64) {}
