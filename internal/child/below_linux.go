package child

import "golang.org/x/sys/unix"

// KillBelow kills all that descends from a process which takes in orphans. Who forks
// meanwhile is found by the next pass.
func KillBelow(root int) {
	done := map[int]bool{}
	for range passes {
		found := false
		for _, pid := range descendants(root) {
			if done[pid] {
				continue
			}
			done[pid], found = true, true
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if !found {
			return
		}
	}
}
