package cgroup

import (
	"bytes"
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// tally is where the kernel's counters of a group stand.
type tally struct {
	killed  int64 // processes of it, for want of memory, whoever's limit it was
	memory  int64 // how often it wanted more memory than its own limit, as far as that is counted
	refused int64 // processes that couldn't begin
}

// tally reads them. What can't be read hasn't been counted.
func (n node) tally() (t tally) {
	if n.memory != "" {
		if n.v2 {
			t.killed, _ = counter(n.memory, "memory.events", "oom_kill")
			var ok bool
			if t.memory, ok = counter(n.memory, "memory.events.local", "oom"); !ok { // before Linux 5.2
				t.memory, _ = counter(n.memory, "memory.events", "oom")
			}
		} else {
			t.killed, _ = counter(n.memory, "memory.oom_control", "oom_kill")
			t.memory = number(n.memory, "memory.failcnt") + number(n.memory, "memory.memsw.failcnt")
		}
	}
	if n.pids != "" {
		t.refused, _ = counter(n.pids, "pids.events", "max")
	}
	return t
}

// watermarkSlack is how far below its limit a group may have been seen at most when it
// has met it: the kernel takes memory in batches, for each processor one.
const watermarkSlack = 2 << 20

// metMemory reports whether a group has met its own limit of memory. Version 1 doesn't
// count that any more (Linux 6.13), but tells how much it has ever had.
func (n node) metMemory(limit int64, now, base tally) bool {
	switch {
	case limit <= 0:
		return false
	case now.memory > base.memory:
		return true
	}
	return !n.v2 && number(n.memory, "memory.max_usage_in_bytes")+watermarkSlack >= limit
}

// resetWatermark makes metMemory speak of what comes.
func (n node) resetWatermark() {
	if n.memory != "" && !n.v2 {
		_ = write(n.memory, "memory.max_usage_in_bytes", "0")
	}
}

// memoryUsed is how much memory is charged to it.
func (n node) memoryUsed() int64 {
	if n.v2 {
		return number(n.memory, "memory.current")
	}
	return number(n.memory, "memory.usage_in_bytes")
}

// full reports whether it has, or has had, as many processes as its limit.
func (n node) full(limit int) bool {
	return limit > 0 && n.pids != "" && max(number(n.pids, "pids.peak"), number(n.pids, "pids.current")) >= int64(limit)
}

// Count is what was counted since the group was handed out. It is asked after every
// execution, so it costs two reads of open files while nothing has happened.
func (g *Group) Count() child.Count {
	g.mu.Lock()
	defer g.mu.Unlock() // so that nobody else is given the directories meanwhile
	if g.ended || !g.real() {
		return g.last
	}
	if g.gauges == nil {
		gauges, err := g.node.gauges()
		if err != nil {
			gauges.close()
			return g.last // as far as anybody knows; the next one tries again
		}
		g.gauges = gauges
	}
	if seen := g.gauges.read(); seen != g.seen {
		now := g.node.tally()
		// The same numbers, in case that the files couldn't be opened once more.
		now.killed, now.refused = max(now.killed, seen.killed), max(now.refused, seen.refused)
		g.seen, g.last = seen, g.count(now)
	}
	return g.last
}

// gauges are the files of the counters that say whether anything has happened.
type gauges struct{ killed, refused gauge }

// reading is what they say.
type reading struct{ killed, refused int64 }

func (n node) gauges() (*gauges, error) {
	events := "memory.oom_control"
	if n.v2 {
		events = "memory.events"
	}
	killed, err := openGauge(n.memory, events, "oom_kill ")
	refused, again := openGauge(n.pids, "pids.events", "max ")
	return &gauges{killed: killed, refused: refused}, errors.Join(err, again)
}

func (g *gauges) read() reading { return reading{killed: g.killed.read(), refused: g.refused.read()} }

func (g *gauges) close() {
	if g != nil {
		g.killed.close()
		g.refused.close()
	}
}

// gauge is one number in a control file that stays open; without the file it is 0.
type gauge struct {
	fd   int
	word string // what the number's line begins with, the space included
}

// openGauge opens one. That there is no such file is no error; that there is no room
// for its descriptor is one.
func openGauge(dir, file, word string) (gauge, error) {
	if dir == "" {
		return gauge{fd: -1}, nil
	}
	fd, err := open(dir, file)
	switch {
	case errors.Is(err, unix.ENOENT):
		return gauge{fd: -1}, nil
	case err != nil:
		return gauge{fd: -1}, err
	}
	return gauge{fd: fd, word: word}, nil
}

// longestEvents is more than there is in any file of events.
const longestEvents = 512

func (g gauge) read() int64 {
	if g.fd < 0 {
		return 0
	}
	var buf [longestEvents]byte
	// Raw, as package direct does it: the kernel makes these files up from memory, and the
	// scheduler's preparations for a call that waits would cost ten times the call.
	n, _, errno := syscall.RawSyscall6(unix.SYS_PREAD64, uintptr(g.fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
	if errno != 0 { // also EINTR, which such a call doesn't return
		return 0
	}
	for line := range bytes.Lines(buf[:n]) {
		if number, found := bytes.CutPrefix(line, []byte(g.word)); found {
			return parse(string(bytes.TrimSpace(number)))
		}
	}
	return 0
}

func (g gauge) close() {
	if g.fd >= 0 {
		_ = unix.Close(g.fd)
	}
}

// count finds whose limit it was, from the group upwards.
func (g *Group) count(now tally) child.Count {
	c := child.Count{Killed: int(now.killed - g.base.killed), Refused: int(now.refused - g.base.refused)}
	s := g.sandbox
	if c.Killed > 0 {
		switch {
		case g.node.metMemory(g.limits.Memory, now, g.base):
			c.Memory = child.Bound{Of: g.of, Limit: g.limits.Memory}
		case s.node.metMemory(s.limits.Memory, s.node.tally(), tally{}):
			c.Memory = child.Bound{Of: "sandbox", Limit: s.limits.Memory}
		case s.tree.node.metMemory(s.tree.whole.Memory, s.tree.node.tally(), tally{}):
			c.Memory = child.Bound{Of: "server", Limit: s.tree.whole.Memory}
		default:
			c.Memory = child.Bound{Of: "machine"}
		}
	}
	if c.Refused > 0 {
		switch {
		case g.node.full(g.limits.Processes):
			c.Processes = child.Bound{Of: g.of, Limit: int64(g.limits.Processes)}
		case s.node.full(s.limits.Processes):
			c.Processes = child.Bound{Of: "sandbox", Limit: int64(s.limits.Processes)}
		case s.tree.node.full(s.tree.whole.Processes):
			c.Processes = child.Bound{Of: "server", Limit: int64(s.tree.whole.Processes)}
		default:
			c.Processes = child.Bound{Of: "machine"}
		}
	}
	return c
}
