package session

import "time"

// Limits bounds sessions. A member that is 0 has its default.
type Limits struct {
	Sessions   int   // in one sandbox: 256
	Command    int   // bytes of one: 16 MiB
	Queue      int   // commands that wait in a session: 256
	QueueBytes int   // of them together: 64 MiB
	Input      int   // bytes that a command has not read: 1 MiB
	Log        int64 // bytes of one command's output on disk: 1 GiB
	Kept       int   // finished commands of a session: 1024
	KeptBytes  int64 // of their texts and logs: 256 MiB
	Leftovers  int   // commands whose processes still hold their output: 256
}

const (
	// maxID is generous for people and programs.
	maxID = 512
	// startTimeout is for a shell to say that it is there. It takes 2 ms;
	// whatever a BASH_ENV does in it is the user's business, within reason.
	startTimeout = 10 * time.Second
	// grace is how long a shell and what runs in it may take to end after they
	// were asked to: enough to remove a file or write one, and no nuisance to
	// somebody who waits for it.
	grace = 200 * time.Millisecond
	// memory is what a log keeps in memory: enough that most never touch the
	// disk, and little enough for hundreds of commands that print without end.
	memory = 1 << 20
	// settled is what the log of a command that has ended keeps in memory; the
	// rest goes to disk. Most commands print less.
	settled = 4 << 10
	// forgotten is how many evicted ids are remembered, so that "gone" and
	// "never was" can be told apart.
	forgotten = 4096
)

func (l Limits) withDefaults() Limits {
	const mib = 1 << 20
	or(&l.Sessions, 256)
	or(&l.Command, 16*mib)
	or(&l.Queue, 256)
	or(&l.QueueBytes, 64*mib)
	or(&l.Input, mib)
	or(&l.Log, 1024*mib)
	or(&l.Kept, 1024)
	or(&l.KeptBytes, 256*mib)
	or(&l.Leftovers, 256)
	return l
}

func or[N int | int64](n *N, usual N) {
	if *n <= 0 {
		*n = usual
	}
}
