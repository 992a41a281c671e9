package isolation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/jail"
)

// tryLimit bounds trying a mode, which takes 50 ms where it works.
const tryLimit = 15 * time.Second

// choose settles what is in force.
func (s *Set) choose(ctx context.Context) error {
	s.status = Status{Mode: jail.None, Network: s.cfg.Network}
	if s.cfg.Mode == jail.None {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o711); err != nil {
		return fmt.Errorf("make the jails' directory: %w", err)
	}
	modes := []jail.Mode{s.cfg.Mode}
	if s.cfg.Mode == Auto {
		modes = []jail.Mode{jail.Namespace, jail.Process}
	}
	var reasons []string
	for _, mode := range modes {
		reason, err := s.try(ctx, mode)
		if err == nil {
			s.status.Reason = words(append(reasons, reason)...)
			return nil
		}
		why := strings.TrimPrefix(err.Error(), jail.ErrUnavailable.Error()+": ")
		reasons = append(reasons, fmt.Sprintf("%s isolation doesn't work here: %s", mode, why))
		if mode == jail.Namespace {
			reasons = append(reasons, jail.Advice())
		}
	}
	if s.cfg.Mode != Auto || s.cfg.Network != jail.Host {
		return errors.New(words(reasons...))
	}
	s.status = Status{Mode: jail.None, Network: jail.Host, Reason: words(reasons...)}
	return nil
}

// try makes a jail and runs something in it. The reason is why the mode is less
// than it could be.
func (s *Set) try(ctx context.Context, mode jail.Mode) (reason string, err error) {
	if mode == jail.Process && s.cfg.Network == jail.Loopback {
		return "", errors.New("it has no loopback of its own")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tryLimit, fmt.Errorf("it took longer than %s", tryLimit))
	defer cancel()
	s.status.Mode, s.status.Users, s.reaches = mode, os.Geteuid() == 0, false
	if mode == jail.Process && s.status.Users {
		if err := s.openWays(); err != nil {
			if s.reaches = jail.CanReach(); !s.reaches {
				s.status.Users = false
				reason = "sandboxes run as the server's own user, since " + err.Error()
			} else {
				reason = "sandboxes' users have the capability to pass all directories, and see names and sizes in them and what root alone reads in /proc, since " + err.Error()
			}
		}
	}
	if mode == jail.Process && !s.status.Users && reason == "" {
		reason = "sandboxes run as the server's own user, since that isn't root"
	}
	work := filepath.Join(s.cfg.Dir, "try-work")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", fmt.Errorf("make a directory to try it with: %w", err)
	}
	defer os.RemoveAll(work)
	cfg := s.config(Sandbox{ID: "try", Work: work, UID: jail.UserBase + rand.IntN(jail.UserCount)})
	cfg.Admit, cfg.Writable = nil, ""
	if err := own(work, cfg.UID); err != nil {
		return "", err
	}
	if err := jail.Usable(mode, cfg.UID); err != nil {
		return "", err
	}
	j, err := jail.New(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer j.Close()
	p, err := child.Start(ctx, child.Spec{Path: "true", Search: true, Env: []string{"PATH=/usr/bin:/bin"}, Jail: j})
	if err != nil {
		return "", fmt.Errorf("nothing starts in it: %w", err)
	}
	<-p.Done()
	if exit := p.Exit(); exit.Code != 0 {
		return "", fmt.Errorf("what starts in it doesn't run: %s", exit)
	}
	return words(reason, jail.Lacking(mode)), nil
}

// openWays lets other users pass through the server's directories to those that are
// theirs, and reports what else is in their way.
func (s *Set) openWays() error {
	sandboxes := filepath.Join(s.cfg.Data, "sandboxes")
	// At the first start nobody has made it yet, and who does closes it.
	if err := os.MkdirAll(sandboxes, 0o711); err != nil {
		return err
	}
	for _, dir := range []string{s.cfg.Data, sandboxes, filepath.Dir(s.cfg.Dir), s.cfg.Dir} {
		st, err := os.Stat(dir)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if st.Mode().Perm()&0o001 != 0 {
			continue
		}
		if err := os.Chmod(dir, st.Mode().Perm()|0o011); err != nil {
			return err
		}
	}
	for _, path := range append([]string{sandboxes}, s.cfg.Shared()...) {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := passable(path); err != nil {
			return err
		}
	}
	return nil
}
