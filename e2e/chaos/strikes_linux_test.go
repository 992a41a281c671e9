package chaos_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"hotcell/e2e/procs"
)

// What is struck, by its name in the ledger.
const (
	hitKernel   = "kernel"
	hitTemplate = "template"
	hitFirst    = "first process" // of a jail
	hitOther    = "other"         // shells, what they run, agents of files
	hitClient   = "client"
	hitServer   = "server"
)

// pick chooses one of the server's descendants of a kind; false if there is none.
func pick(r *rand.Rand, server int, kind string) (procs.Process, bool) {
	var found []procs.Process
	for _, p := range procs.Descendants(server) {
		if kindOf(p, server) == kind {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return procs.Process{}, false
	}
	return found[r.IntN(len(found))], true
}

// kindOf tells what a descendant of a server is, by how it was started.
func kindOf(p procs.Process, server int) string {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Pid))
	has := func(s string) bool { return bytes.Contains(raw, []byte(s)) }
	switch {
	case has("hotcell boot") && p.Parent == server:
		return hitTemplate
	case has("hotcell boot"), has("be-child\x00go"), has("hotcell-node") && has("main.cjs"):
		return hitKernel
	case has("be-child\x00init"), has("bwrap"):
		return hitFirst
	default:
		return hitOther
	}
}

// throw kills one thing, in the shares that make a bad day.
func (c *crowd) throw(r *rand.Rand, server int) string {
	kind := hitKernel
	switch n := r.IntN(100); {
	case n < 25:
		c.kill(r.IntN(len(c.slots)))
		return hitClient
	case n < 38:
		kind = hitTemplate
	case n < 45:
		kind = hitOther
	case n < 50:
		kind = hitFirst
	}
	p, ok := pick(r, server, kind)
	if !ok {
		kind = hitKernel
		if p, ok = pick(r, server, kind); !ok {
			return ""
		}
	}
	c.l.struck(strike{at: time.Now(), what: kind, pid: p.Pid})
	// It was a descendant a moment ago, and its number goes to nobody so soon.
	if syscall.Kill(p.Pid, syscall.SIGKILL) != nil {
		return ""
	}
	return kind
}
