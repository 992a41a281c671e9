package faults_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/procs"
)

// patience bounds whatever should be quick. It is only reached when something
// is broken.
const patience = 30 * time.Second

// scene is one fault in one context, seen through one dialect.
type scene struct {
	l   language
	f   fault
	cx  clients.Context
	pid int
	// seen are the processes that the context had at some time.
	seen []procs.Process
	told string // of the fault, in short
}

// play lets the fault happen, and returns what the client was told and all
// that was wrong.
func play(ctx context.Context, c clients.Client, l language, f fault) (told string, err error) {
	cx, err := c.Open(ctx, clients.Options{Language: l.name, Env: f.env})
	if err != nil {
		return "", fmt.Errorf("create context: %w", err)
	}
	s := &scene{l: l, f: f, cx: cx}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = s.acts(limited)
	s.look()
	if derr := cx.Delete(ctx); derr != nil {
		return s.told, errors.Join(fmt.Errorf("delete context: %w", derr), err)
	}
	if err != nil {
		return s.told, err
	}
	gone, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if err := procs.Gone(gone, s.seen); err != nil {
		return s.told, fmt.Errorf("after the deletion: %w", err)
	}
	return s.told, nil
}

func (s *scene) acts(ctx context.Context) error {
	if _, err := s.run(ctx, s.l.setup); err != nil {
		return err
	}
	o, err := s.run(ctx, s.l.pid)
	if err != nil {
		return err
	}
	if err = s.find(o.Stdout()); err != nil {
		return err
	}
	o, err = s.happens(ctx)
	if err != nil {
		return err
	}
	s.look()
	s.told = o.Status
	if o.Error != nil {
		s.told = fmt.Sprintf("%s, %s: %.300s", o.Status, o.Error.Name, o.Error.Value)
	}
	if err := s.judge(o); err != nil {
		return err
	}
	return s.afterwards(ctx, o)
}

// find learns the kernel's number here from what it says of itself.
func (s *scene) find(said string) error {
	var (
		inside    int
		namespace string
		ok        bool
	)
	if _, err := fmt.Sscan(said, &inside, &namespace); err != nil {
		return fmt.Errorf("the kernel's number, in %q: %w", said, err)
	}
	if s.pid, ok = procs.Outside(namespace, inside); !ok {
		return fmt.Errorf("no process has the number %d in %s", inside, namespace)
	}
	return nil
}

// look remembers the processes that there are.
func (s *scene) look() {
	if s.pid != 0 {
		s.seen = append(s.seen, procs.Of(s.pid)...)
	}
}

// run is for cells that must succeed.
func (s *scene) run(ctx context.Context, code string) (clients.Outcome, error) {
	o, err := s.try(ctx, code)
	if err == nil && o.Status != "ok" {
		err = fmt.Errorf("%q: %s", code, o)
	}
	return o, err
}

func (s *scene) try(ctx context.Context, code string) (clients.Outcome, error) {
	r, err := s.cx.Start(ctx, clients.Cell{Code: code})
	if err != nil {
		return clients.Outcome{}, fmt.Errorf("start %q: %w", code, err)
	}
	return r.Wait(ctx)
}

// happens runs the cell at fault, and sees that the client is told in time.
func (s *scene) happens(ctx context.Context) (clients.Outcome, error) {
	began := time.Now()
	r, err := s.cx.Start(ctx, clients.Cell{Code: s.f.code, Timeout: s.f.timeout})
	if err != nil {
		return clients.Outcome{}, fmt.Errorf("start the fault: %w", err)
	}
	limit := s.f.timeout
	if (s.f.interrupt || s.f.kill) && !s.f.idle {
		if err := r.Until(ctx, "in"); err != nil {
			return clients.Outcome{}, err
		}
		s.look()
		began = time.Now()
		if err := s.strike(ctx, r); err != nil {
			return clients.Outcome{}, err
		}
	}
	o, err := r.Wait(ctx)
	if err != nil {
		return o, fmt.Errorf("the fault: %w", err)
	}
	if took := o.Ended.Sub(began); took > limit+deadline {
		return o, fmt.Errorf("the client was told after %s", took)
	}
	if s.f.idle {
		s.look()
		return o, s.strike(ctx, r)
	}
	return o, nil
}

// strike does to the run what comes from outside.
func (s *scene) strike(ctx context.Context, r *clients.Run) error {
	if s.f.kill {
		if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill the kernel: %w", err)
		}
		return nil
	}
	return s.cx.(clients.Controlled).Interrupt(ctx, r)
}

// judge compares what the client was told to what the table says.
func (s *scene) judge(o clients.Outcome) error {
	var faults []string
	want := s.f.status
	if want == "" {
		want = "ok"
	}
	if want != "*" && o.Status != want {
		faults = append(faults, fmt.Sprintf("status %q, want %q", o.Status, want))
	}
	name, value := "", ""
	if o.Error != nil {
		name, value = o.Error.Name, o.Error.Value
	}
	if !regexp.MustCompile("^(" + s.f.errname + ")$").MatchString(name) {
		faults = append(faults, fmt.Sprintf("error %q, want %q", name, s.f.errname))
	}
	for _, v := range s.f.value {
		if !strings.Contains(value, v) {
			faults = append(faults, fmt.Sprintf("the error's value lacks %q", v))
		}
	}
	if !strings.Contains(o.Stdout(), s.f.out) {
		faults = append(faults, fmt.Sprintf("standard output lacks %q", s.f.out))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s\ngot %s", strings.Join(faults, "; "), o)
	}
	return nil
}

// afterwards sees that the context goes on, with its variables or with the
// truth about them.
func (s *scene) afterwards(ctx context.Context, told clients.Outcome) error {
	r, err := s.cx.Start(ctx, clients.Cell{Code: s.l.check})
	if err != nil {
		return fmt.Errorf("the next run: %w", err)
	}
	began := time.Now()
	o, err := r.Wait(ctx)
	if err != nil {
		return fmt.Errorf("the next run: %w", err)
	}
	if took := time.Since(began); took > deadline {
		return fmt.Errorf("the next run took %s", took)
	}
	stays := o.Status == "ok" && strings.Contains(o.Stdout()+o.Result, "still here")
	notice := strings.Contains(strings.Join(o.Notices, " ")+o.Stderr(), "kept")
	switch {
	case s.f.state == kept && !stays, s.f.state == lost && stays:
		return fmt.Errorf("state kept: %v; next run %s", stays, o)
	case !stays && !notice:
		return fmt.Errorf("the next run isn't told that the variables are lost: %s", o)
	case !stays && o.Status != "error":
		return fmt.Errorf("the next run: %s", o)
	case !stays && told.Error != nil && told.Error.Cause != nil && told.Error.Cause.StateKept:
		return fmt.Errorf("the client was told that the state is kept, but %s", o)
	case stays && told.Error != nil && slices.Contains(told.Error.Lost, "kept"):
		return fmt.Errorf("the client was told that the state is lost, but %s", o)
	}
	for _, code := range []string{s.l.setup, s.l.check} {
		if o, err = s.run(ctx, code); err != nil {
			return fmt.Errorf("the run after that: %w", err)
		}
	}
	if !strings.Contains(o.Stdout()+o.Result, "still here") {
		return fmt.Errorf("the run after that: %s", o)
	}
	return nil
}
