package machine

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// shortest is the least time over which a use of processors means something:
// the system counts in hundredths of a second. Two looks that are closer
// together see the same use.
const shortest = 500 * time.Millisecond

// Gauge reads the load. It remembers when it looked last.
type Gauge struct {
	proc  procfs.FS
	fault error

	mu       sync.Mutex
	busy     float64 // seconds of all processors
	total    float64
	at       time.Time
	lastUsed float64
}

// NewGauge takes the first look.
func NewGauge() *Gauge {
	g := &Gauge{}
	if g.proc, g.fault = procfs.NewDefaultFS(); g.fault == nil {
		g.fault = g.look()
	}
	return g
}

// Load reads the load, and how full the file system of dir is.
func (g *Gauge) Load(dir string) (Load, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault != nil {
		return Load{}, fmt.Errorf("read the processors' times: %w", g.fault)
	}
	if time.Since(g.at) >= shortest {
		if err := g.look(); err != nil {
			return Load{}, fmt.Errorf("read the processors' times: %w", err)
		}
	}
	l := Load{CPUs: runtime.NumCPU(), CPUUsed: g.lastUsed, At: time.Now()}
	mem, err := g.proc.Meminfo()
	if err != nil {
		return Load{}, fmt.Errorf("read the memory's use: %w", err)
	}
	l.MemTotal, l.MemCache = value(mem.MemTotalBytes), value(mem.CachedBytes)+value(mem.BuffersBytes)
	l.MemUsed = l.MemTotal - min(l.MemTotal, value(mem.MemAvailableBytes))
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return Load{}, fmt.Errorf("read the disk's use: %w", err)
	}
	block := uint64(disk.Bsize)
	l.DiskTotal, l.DiskFree = disk.Blocks*block, disk.Bavail*block
	l.DiskUsed = l.DiskTotal - disk.Bfree*block
	return l, nil
}

func value(p *uint64) uint64 {
	if p == nil {
		return 0
	}
	return *p
}

// look counts what the processors did since the last look. It is called with mu
// held, or by who alone knows g.
func (g *Gauge) look() error {
	stat, err := g.proc.Stat()
	if err != nil {
		return err
	}
	t := stat.CPUTotal // guests' time is in user's already
	busy := t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ + t.Steal
	total := busy + t.Idle + t.Iowait
	if span := total - g.total; span > 0 {
		g.lastUsed = min(100, max(0, 100*(busy-g.busy)/span))
	}
	g.busy, g.total, g.at = busy, total, time.Now()
	return nil
}
