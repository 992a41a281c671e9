//go:build !linux

package stream

import (
	"errors"
	"os"
)

func unlinked(dir string) (*os.File, error) { return nameless(dir) }

func allocate(*os.File, int64, int64) error { return errors.ErrUnsupported }
