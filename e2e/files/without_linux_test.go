package files_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestWithoutABoundary: every test here holds where there is none, too.
func TestWithoutABoundary(t *testing.T) { testserver.Again(t, "^Test") }
