package python

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// forks says whether kernels are forked from a template.
const forks = true

// templates are the runtime's, guarded by its mu. Kernels in jails come from one that
// has nothing of the server's environment in its memory. All but the current ones are
// retired: they live until their last kernel has ended.
type templates struct {
	current map[bool]*template // by whether it is for jails
	all     []*template
}

var errClosed = errors.New("the python runtime is closed")

// templateTries is how many templates more a kernel is asked of when one has ended. A
// new one takes seconds to be ready, and may be killed meanwhile.
const templateTries = 2

// startForked asks the current template. One that has died, or was retired in the same
// moment, is replaced once; a second failure is the answer. The channels are new each
// time: a template that was killed may have forked before, and that kernel must not
// speak on the channel of another.
func (r *Runtime) startForked(ctx context.Context, jail child.Jail, group child.Group) (*runtimes.Kernel, error) {
	for attempt := 0; ; attempt++ {
		ends, err := runtimes.NewEnds()
		if err != nil {
			return nil, err
		}
		p, err := r.forkInto(ctx, ends, jail, group)
		ends.CloseTheirs()
		if err == nil {
			k, err := runtimes.Greet(ctx, ends, p)
			if err != nil {
				return nil, fmt.Errorf("start python: %w", err)
			}
			k.Group = group
			return k, nil
		}
		ends.Close()
		if !errors.Is(err, errTemplateGone) || attempt >= templateTries {
			return nil, fmt.Errorf("start python: %w", err)
		}
	}
}

// forkInto forks a kernel that goes into a jail and a group, if there are any, and is
// under its limits already on the way.
func (r *Runtime) forkInto(ctx context.Context, ends *runtimes.Ends, jail child.Jail, group child.Group) (runtimes.Process, error) {
	w, err := wallsOf(jail)
	if err != nil {
		return nil, err
	}
	if len(w.ahead) > 0 {
		if _, err := ends.Conn.Write(w.ahead); err != nil {
			return nil, fmt.Errorf("describe the jail: %w", err)
		}
	}
	doors, _ := group.(child.Doors)
	if doors != nil {
		var back []*os.File
		if w.doors, back, err = doors.Doors(); err != nil {
			return nil, err
		}
		defer closeAll(w.doors)
		closeAll(back) // it stays
	}
	p, err := r.fork(ctx, ends, jail != nil, w)
	if err != nil {
		return nil, err
	}
	p.Within(jail)
	switch {
	case len(w.doors) > 0:
		err = p.Entered(doors)
	case group != nil:
		err = p.Enter(group)
	case jail != nil:
		err = jail.Admit(p.Pid())
	}
	if err != nil {
		_ = p.Signal(syscall.SIGKILL)
		<-p.Done()
		return nil, fmt.Errorf("put it under the sandbox's limits: %w", err)
	}
	return p, nil
}

// Prepare implements [runtimes.Preparer]: it starts the template of kernels in jails.
func (r *Runtime) Prepare(ctx context.Context) {
	t, err := r.template(true) //nolint:contextcheck // a template is started for everybody, not for this request
	if err != nil {
		return
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
	}
}

func (r *Runtime) fork(ctx context.Context, ends *runtimes.Ends, jailed bool, w walls) (*child.Adopted, error) {
	t, err := r.template(jailed) //nolint:contextcheck // a template is started for everybody, not for this request
	if err != nil {
		return nil, err
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return t.fork(ctx, ends, w)
}

// template returns the current one, or a new one when there is none, it has
// ended, or packages were installed since it imported them.
func (r *Runtime) template(jailed bool) (*template, error) {
	r.mu.Lock()
	seen := r.templates.current[jailed]
	r.mu.Unlock()
	if seen != nil && seen.usable() {
		return seen, nil
	}
	t, retired, err := r.replace(seen, jailed)
	if retired != nil {
		retired.retire()
	}
	return t, err
}

// replace starts a template in the place of the one that was seen, unless
// somebody else has been faster.
func (r *Runtime) replace(seen *template, jailed bool) (current, retired *template, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, errClosed
	}
	if t := r.templates.current[jailed]; t != nil && t != seen {
		return t, nil, nil
	}
	t := newTemplate(r.cfg.Log, r.forget)
	if r.templates.current == nil {
		r.templates.current = make(map[bool]*template)
	}
	r.templates.current[jailed] = t
	r.templates.all = append(r.templates.all, t)
	// Ends when the template does; Close joins it through t.ended.
	spec := r.process("template", r.cfg.Preload, nil, nil)
	spec.Env = r.environment(nil, jailed)
	go t.run(spec)
	return t, seen, nil
}

// forget is called by a template that has ended.
func (r *Runtime) forget(t *template) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.templates.current, func(_ bool, o *template) bool { return o == t })
	r.templates.all = slices.DeleteFunc(r.templates.all, func(o *template) bool { return o == t })
}

func (r *Runtime) closeTemplates() {
	r.mu.Lock()
	all := slices.Clone(r.templates.all)
	r.mu.Unlock()
	for _, t := range all {
		t.hangUp()
	}
	for _, t := range all {
		<-t.ended
	}
}

// modified returns when the directories last changed: packages come and go
// by entries in them.
func modified(dirs []string) map[string]time.Time {
	times := make(map[string]time.Time, len(dirs))
	for _, dir := range dirs {
		times[dir] = time.Time{} // one that isn't there may come
		if st, err := os.Stat(dir); err == nil {
			times[dir] = st.ModTime()
		}
	}
	return times
}
