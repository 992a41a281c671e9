//go:build !linux

package python_test

import "errors"

func beInit() error { return errors.ErrUnsupported }
