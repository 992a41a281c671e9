package testserver

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/process/tools"
)

// Jails are boundaries around what tests have done to the files of their
// sandboxes. They end with the test.
type Jails struct {
	mode jail.Mode
	data string // what is hidden

	mu   sync.Mutex
	open map[string]*jail.Jail // by work directory
	tb   testing.TB
	all  []*child.Process
}

// Agents are those that live.
func (j *Jails) Agents() (pids []int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range j.all {
		select {
		case <-p.Done():
		default:
			pids = append(pids, p.Pid())
		}
	}
	return pids
}

// Start starts an agent behind the boundary of the work directory that its last
// argument names.
func (j *Jails) Start(ctx context.Context, spec child.Spec) (*child.Process, error) {
	if j.mode != jail.None {
		cell, err := j.Of(spec.Args[len(spec.Args)-1]) //nolint:contextcheck // a jail is the test's
		if err != nil {
			return nil, err
		}
		spec.Jail = cell
	}
	// The race detector would sleep for a second at the end.
	spec.Env = append(spec.Env, "GORACE=atexit_sleep_ms=0")
	p, err := child.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, p)
	return p, nil
}

// Run runs a program inside the boundary of a work directory, until its end, and
// returns what it has put out.
func (j *Jails) Run(tb testing.TB, work, path string, args ...string) string {
	tb.Helper()
	p, out := j.Begin(tb, work, path, args...)
	defer out.Close()
	all, err := io.ReadAll(out)
	<-p.Done()
	if e := p.Exit(); err != nil || e.Code != 0 {
		tb.Fatalf("%s %q inside: %s, %v: %s", path, args, e, err, all)
	}
	return string(all)
}

// Begin is Run for one that goes on.
func (j *Jails) Begin(tb testing.TB, work, path string, args ...string) (*child.Process, *os.File) {
	tb.Helper()
	cell, err := j.Of(work)
	if err != nil {
		tb.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Close()
	p, err := child.Start(tb.Context(), child.Spec{
		Path: path, Args: args, Dir: work, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: w, Stderr: w, Jail: cell,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p, r
}

// Of is the jail around a work directory.
func (j *Jails) Of(work string) (*jail.Jail, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if cell := j.open[work]; cell != nil {
		return cell, nil
	}
	cfg := jail.Config{
		Mode: j.mode, Network: jail.Host, Work: work, Hidden: []string{j.data},
		Scratch: filepath.Join(j.tb.TempDir(), "jail"),
	}
	errs := []error{reachable(work), reachable(filepath.Dir(cfg.Scratch))}
	if os.Geteuid() == 0 {
		cfg.UID = jail.UserBase + 1 + rand.IntN(jail.UserCount-1) // other tests take others
		errs = append(errs, os.Chown(work, cfg.UID, cfg.UID), os.Chmod(work, 0o700))
	}
	cell, err := jail.New(j.tb.Context(), cfg)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	j.open[work] = cell
	return cell, nil
}

// reachable lets others pass through the directories above, those of tests.
func reachable(dir string) error {
	for dir = filepath.Dir(dir); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err == nil {
			err = os.Chmod(dir, st.Mode().Perm()|0o111)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// behind puts boundaries around what is done to the files of a server's sandboxes.
func (s *Server) behind(tb testing.TB, how string, tc *tools.Config) {
	tb.Helper()
	mode := jail.Mode(how)
	switch mode {
	case "":
		return
	case "agent":
		mode = jail.None
	}
	s.Jails = &Jails{mode: mode, data: s.DataDir, open: map[string]*jail.Jail{}, tb: tb}
	tb.Cleanup(s.Jails.close)
	tc.Files.Start = s.Jails.Start
}

// own gives what a test has put into a work directory to the sandbox's user.
func (j *Jails) own(work, path string) error {
	if j == nil || j.mode == jail.None || os.Geteuid() != 0 {
		return nil
	}
	cell, err := j.Of(work)
	if err != nil {
		return err
	}
	uid := cell.Config().UID
	return filepath.WalkDir(path, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, uid))
	})
}

// Own gives what a test has put into a sandbox's work directory to the sandbox's
// user.
func (s *Server) Own(tb testing.TB, sandbox string) {
	tb.Helper()
	work := s.Sandboxes.WorkDir(sandbox)
	if err := s.Jails.own(work, work); err != nil {
		tb.Fatal(err)
	}
}

func (j *Jails) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, cell := range j.open {
		cell.Close()
	}
}
