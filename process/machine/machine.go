// Package machine tells how busy and how full the machine is that processes run
// on. It owns nothing and has no goroutines.
package machine

import (
	"errors"
	"time"
)

// ErrUnknown is what systems are answered whose load nobody here can read.
var ErrUnknown = errors.New("the load of this system cannot be told: it has no /proc")

// Load is the machine at one moment. Sizes are bytes.
type Load struct {
	CPUs                          int
	CPUUsed                       float64 // percent of all of them, since the last look
	MemTotal, MemUsed, MemCache   uint64
	DiskTotal, DiskUsed, DiskFree uint64
	At                            time.Time
}
