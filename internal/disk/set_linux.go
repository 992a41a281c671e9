package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Set is the volumes of one server's sandboxes.
type Set struct {
	cfg   Config
	quota error     // why there are no quotas; nil: they are in force
	trial sync.Once // of images, see Settle
	mkfs  string    // the program; of whoever has settled
	wg    sync.WaitGroup
	spare chan string // an image of the usual size that nobody has yet

	mu     sync.Mutex
	force  Force
	closed bool
	open   map[string]*volume // by home
}

// volume is a sandbox's.
type volume struct {
	// turn holds one token: whoever has it may mount and unmount.
	turn chan struct{}
	gone bool // another has taken its place; of whoever has the turn

	mu   sync.Mutex
	used *Used  // nil: it isn't in use. Full is of when it was last asked about
	dev  uint64 // of its file system, if that is an image
}

// Open finds out what bounds volumes here, by trying, and unmounts what a dead server
// of the same data directory has left. Images are tried when somebody has a bound.
func Open(cfg Config) *Set {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Set{cfg: cfg, spare: make(chan string, 1), open: make(map[string]*volume)}
	for _, dir := range []*string{&s.cfg.Dir, &s.cfg.Scratch} {
		if real, err := filepath.EvalSymlinks(*dir); err == nil { // as the kernel names it
			*dir = real
		}
	}
	if err := s.clear(); err != nil {
		cfg.Log.Warn("what a server before this one has mounted is still there", slog.Any("error", err))
	}
	if s.quota = s.tryQuota(); s.quota == nil {
		s.force = Force{Mechanism: Quota}
		return s
	}
	s.force = Force{Mechanism: None, Reason: fmt.Sprintf("no quotas, since %v; images are tried when a sandbox asks for a limit", s.quota)}
	if cfg.Usual > 0 && s.Settle().Mechanism == Image {
		s.restock()
	}
	return s
}

// Settle finds out what is in force for a volume with a bound. The first time that may
// take mounting an image, which a server without bounds doesn't do.
func (s *Set) Settle() Force {
	if s.quota != nil {
		s.trial.Do(func() {
			found := Force{Mechanism: Image}
			if image := s.tryImage(); image != nil {
				found = Force{Mechanism: None, Reason: fmt.Sprintf("no quotas, since %v; no images, since %v", s.quota, image)}
			}
			s.mu.Lock()
			s.force = found
			s.mu.Unlock()
		})
	}
	return s.Force()
}

// Force is what is in force, as far as that is known.
func (s *Set) Force() Force {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.force
}

// Attach makes a sandbox's directories ready for use, if they aren't yet. still is
// asked before that is done, while nobody can detach it: whether it may be used at all.
func (s *Set) Attach(v Volume, still func() error) error {
	for {
		x, err := s.volume(v.Home)
		if err != nil {
			return err
		}
		x.turn <- struct{}{}
		if x.gone {
			<-x.turn
			continue
		}
		err = s.attach(x, v, still)
		<-x.turn
		return err
	}
}

func (s *Set) attach(x *volume, v Volume, still func() error) error {
	if x.isUsed() {
		return nil
	}
	if err := still(); err != nil {
		return err
	}
	used, dev, err := s.ready(v)
	if err != nil {
		return fmt.Errorf("make the sandbox's directory ready: %w", err)
	}
	x.mu.Lock()
	x.used, x.dev = &used, dev
	x.mu.Unlock()
	return nil
}

// ready puts a volume behind a sandbox's directories.
func (s *Set) ready(v Volume) (used Used, dev uint64, err error) {
	_, err = os.Lstat(filepath.Join(v.Home, imageName))
	switch exists := err == nil; {
	case exists:
		// Its files are in there, whatever is wanted now.
	case s.quota == nil:
		used, err = s.assign(v)
		return used, 0, err
	case v.Size <= 0 || s.Settle().Mechanism != Image:
		return Used{}, 0, nil
	default:
		empty, err := isEmpty(filepath.Join(v.Home, workName))
		if err != nil {
			return Used{}, 0, err
		}
		if !empty {
			s.cfg.Log.Warn("a sandbox's disk is not limited: its files are older than the limit", slog.String("directory", v.Home))
			return Used{}, 0, nil
		}
		if err := s.furnish(v); err != nil {
			return Used{}, 0, err
		}
	}
	return s.mount(v)
}

func isEmpty(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	names, _ := f.Readdirnames(1)
	return len(names) == 0, nil
}

// volume finds a sandbox's, or makes its entry.
func (s *Set) volume(home string) (*volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	x := s.open[home]
	if x == nil {
		x = &volume{turn: make(chan struct{}, 1)}
		s.open[home] = x
	}
	return x, nil
}

var errClosed = errors.New("the server is shutting down")

func (x *volume) isUsed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.used != nil
}

// Used tells of a sandbox's volume; the zero value if it has none, or isn't in use.
func (s *Set) Used(home string) Used {
	s.mu.Lock()
	x := s.open[home]
	s.mu.Unlock()
	if x == nil {
		return Used{}
	}
	used, before := x.look(home)
	if used.Full && !before && s.cfg.Filled != nil {
		s.cfg.Filled()
	}
	return used
}

// look asks about a volume. before is whether it was full already.
func (x *volume) look(home string) (used Used, before bool) {
	x.mu.Lock()
	defer x.mu.Unlock() // so that nobody takes it away meanwhile
	if x.used == nil || x.used.Size == 0 {
		return Used{}, false
	}
	before = x.used.Full
	x.used.Full = isFull(filepath.Join(home, workName), x.used.Size)
	return *x.used, before
}

// fullBelow is how little is left where a write fails: the system writes large pieces
// whole or not at all, of up to 2 MiB, and wants room for what belongs to them.
func fullBelow(size int64) uint64 { return uint64(min(2<<20, size/16)) }

// isFull asks the file system. For a directory of a project with a quota, it speaks
// of that.
func isFull(dir string, size int64) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	return st.Bavail*uint64(st.Bsize) < fullBelow(size) || st.Files > 0 && st.Ffree == 0
}

// Detach takes a sandbox's volume away, in which nothing runs any more. It may have
// been renamed meanwhile.
func (s *Set) Detach(home string) error {
	s.mu.Lock()
	x := s.open[home]
	s.mu.Unlock()
	if x == nil {
		return nil
	}
	return s.detach(home, x)
}

func (s *Set) detach(home string, x *volume) error {
	x.turn <- struct{}{}
	defer func() { <-x.turn }()
	if x.gone {
		return nil
	}
	s.mu.Lock()
	x.gone = true
	delete(s.open, home)
	s.mu.Unlock()
	x.mu.Lock()
	dev := x.dev
	x.used, x.dev = nil, 0
	x.mu.Unlock()
	if dev == 0 {
		return nil
	}
	return s.unmount(func(m mountPoint) bool { return m.dev == dev })
}

// Close takes all volumes away.
func (s *Set) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	s.closed = true
	open := maps.Clone(s.open)
	s.mu.Unlock()
	var errs []error
	for home, x := range open {
		errs = append(errs, s.detach(home, x))
	}
	s.wg.Wait()
	select {
	case path := <-s.spare:
		errs = append(errs, os.Remove(path))
	default:
	}
	return errors.Join(errs...)
}
