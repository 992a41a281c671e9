package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"hotcell/runtimes"
)

// forks says whether kernels are forked from a template.
const forks = true

// templates are the runtime's, guarded by its mu. All but current are retired:
// they live until their last kernel has ended.
type templates struct {
	current *template
	all     []*template
}

var errClosed = errors.New("the python runtime is closed")

// startForked asks the current template. One that has died, or was retired in the same
// moment, is replaced once; a second failure is the answer. The channels are new each
// time: a template that was killed may have forked before, and that kernel must not
// speak on the channel of another.
func (r *Runtime) startForked(ctx context.Context) (*runtimes.Kernel, error) {
	for attempt := 0; ; attempt++ {
		ends, err := runtimes.NewEnds()
		if err != nil {
			return nil, err
		}
		p, err := r.fork(ctx, ends)
		ends.CloseTheirs()
		if err == nil {
			k, err := runtimes.Greet(ctx, ends, p)
			if err != nil {
				return nil, fmt.Errorf("start python: %w", err)
			}
			return k, nil
		}
		ends.Close()
		if !errors.Is(err, errTemplateGone) || attempt > 0 {
			return nil, fmt.Errorf("start python: %w", err)
		}
	}
}

func (r *Runtime) fork(ctx context.Context, ends *runtimes.Ends) (runtimes.Process, error) {
	t, err := r.template() //nolint:contextcheck // a template is started for everybody, not for this request
	if err != nil {
		return nil, err
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return t.fork(ctx, ends)
}

// template returns the current one, or a new one when there is none, it has
// ended, or packages were installed since it imported them.
func (r *Runtime) template() (*template, error) {
	r.mu.Lock()
	seen := r.templates.current
	r.mu.Unlock()
	if seen != nil && seen.usable() {
		return seen, nil
	}
	t, retired, err := r.replace(seen)
	if retired != nil {
		retired.retire()
	}
	return t, err
}

// replace starts a template in the place of the one that was seen, unless
// somebody else has been faster.
func (r *Runtime) replace(seen *template) (current, retired *template, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, errClosed
	}
	if t := r.templates.current; t != nil && t != seen {
		return t, nil, nil
	}
	t := newTemplate(r.cfg.Log, r.forget)
	r.templates.current = t
	r.templates.all = append(r.templates.all, t)
	// Ends when the template does; Close joins it through t.ended.
	go t.run(r.process("template", r.cfg.Preload, nil))
	return t, seen, nil
}

// forget is called by a template that has ended.
func (r *Runtime) forget(t *template) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.templates.current == t {
		r.templates.current = nil
	}
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
