//go:build !linux

package testserver

import (
	"testing"

	"hotcell/process/tools"
)

// Jails don't exist here.
type Jails struct{}

func (s *Server) behind(testing.TB, string, *tools.Config) {}

// Own has nothing to do here.
func (s *Server) Own(testing.TB, string) {}
