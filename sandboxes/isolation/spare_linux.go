package isolation

import (
	"errors"
	"log/slog"
	"sync"

	"hotcell/internal/child"
	"hotcell/internal/jail"
)

// spare is a jail that waits for whoever creates a sandbox.
type spare struct {
	sandbox Sandbox
	jail    *jail.Jail
}

// Keep makes jails ahead, and again whenever one was taken. It is called once, and
// does nothing where sandboxes have none.
func (s *Set) Keep(size int, from Berths) {
	if s.status.Mode == jail.None || size <= 0 {
		return
	}
	s.berths = from
	s.wg.Go(func() { s.fill(size) }) // ends with Close, which joins it
}

// fill keeps so many jails ready. After a failure it waits until another is wanted.
func (s *Set) fill(size int) {
	for {
		for s.lacks(size) {
			if err := s.add(); err != nil {
				if s.ctx.Err() == nil {
					s.cfg.Log.LogAttrs(s.ctx, slog.LevelWarn, "a jail for the next sandbox can't be made ahead", slog.Any("error", err))
				}
				break
			}
		}
		select {
		case <-s.wanted:
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Set) lacks(size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && len(s.spares) < size
}

// add makes one jail. It is under no limits, which are a sandbox's, until it has one.
func (s *Set) add() error {
	sb, err := s.berths.Make()
	if err != nil {
		return err
	}
	cfg := s.config(sb)
	cfg.Admit = nil
	j, err := s.make(cfg)
	if err != nil {
		s.berths.Remove(sb)
		return err
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.spares = append(s.spares, spare{sandbox: sb, jail: j})
	}
	s.mu.Unlock()
	if closed {
		s.discard(spare{sandbox: sb, jail: j})
	}
	return nil
}

func (s *Set) discard(sp spare) {
	sp.jail.Close()
	s.berths.Remove(sp.sandbox)
}

// Take gives a jail that is ready away, with the sandbox that is to be made. Whoever
// takes it ends it by [Set.End], as every other. It may be asked of nil.
func (s *Set) Take() (Sandbox, bool) {
	if s == nil {
		return Sandbox{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wanted <- struct{}{}: // also if there is none, since the last one couldn't be made
	default:
	}
	for len(s.spares) > 0 && !s.closed {
		sp := s.spares[0]
		s.spares = s.spares[1:]
		if child.Ended(sp.jail) {
			s.wg.Go(func() { s.discard(sp) }) // ends when what is left has; Close joins it
			continue
		}
		c := &cell{ready: make(chan struct{}), jail: sp.jail}
		c.settle = sync.OnceValue(func() error { return s.settle(sp) })
		close(c.ready)
		s.cells[sp.sandbox.ID] = c
		return sp.sandbox, true
	}
	return Sandbox{}, false
}

// errUnfit is a jail that was made ahead and can't be the sandbox's that got it. It has
// ended; the sandbox gets one that is made for it.
var errUnfit = errors.New("the jail that was made ahead does not fit")

// settle is what a jail that was made ahead lacks, at its sandbox's first use.
func (s *Set) settle(sp spare) (err error) {
	defer func() {
		if err != nil {
			sp.jail.Close()
		}
	}()
	if s.cfg.Fits != nil && !s.cfg.Fits(sp.sandbox.ID) {
		return errUnfit
	}
	if s.cfg.Admit != nil {
		if err := sp.jail.Bound(s.cfg.Admit(sp.sandbox.ID)); err != nil {
			s.cfg.Log.LogAttrs(s.ctx, slog.LevelWarn, "a jail that was made ahead can't be put under limits; another is made", slog.String("sandbox", sp.sandbox.ID), slog.Any("error", err))
			return errUnfit
		}
	}
	if s.cfg.Enter != nil {
		return s.cfg.Enter(sp.sandbox.ID)
	}
	return nil
}
