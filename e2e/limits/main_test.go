package limits_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }
