//go:build !linux

package child

import (
	"context"
	"errors"
	"os"
	"time"
)

// Jail is the boundary around the processes of one sandbox. There is none here.
type Jail interface {
	CheckDir(path string) error
	none()
}

// Adopted doesn't exist here.
type Adopted struct{ none }

type none struct{}

func (none) Pid() int                { return 0 }
func (none) Exit() Exit              { return Exit{} }
func (none) Signal(os.Signal) error  { return nil }
func (none) Enter(g Group) error     { g.End(); return nil }
func (none) Stop(time.Duration) Exit { return Exit{} }

func startJailed(context.Context, Spec) (*Process, error) { return nil, errors.ErrUnsupported }

// Ended reports whether a jail's first process has ended.
func Ended(Jail) bool { return false }
