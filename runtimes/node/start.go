package node

import (
	"context"
	"fmt"
	"path/filepath"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// unchecked turns off an assertion of Node's own, which ends the process when
// a timer's callback was terminated, as an interrupt does.
const unchecked = "--no-force-async-hooks-checks"

// Start starts a kernel and waits for its driver's hello.
func (r *Runtime) Start(ctx context.Context, spec runtimes.Spec) (*runtimes.Kernel, error) {
	if r.info.Fault != "" {
		return nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.info.Fault)
	}
	main, err := r.driver.file(mainFile)
	if err != nil {
		return nil, fmt.Errorf("prepare the node driver: %w", err)
	}
	k, err := runtimes.Launch(ctx, child.Spec{
		Path: r.info.Program, Args: []string{unchecked, main}, Env: merged(r.base(spec.Jail), spec.Env), Jail: spec.Jail,
	})
	if err != nil {
		return nil, fmt.Errorf("start a node kernel (%s): %w", r.info.Program, err)
	}
	return k, nil
}

// base is what a kernel has of the server's environment.
func (r *Runtime) base(jail child.Jail) []string {
	if jail != nil {
		return runtimes.Inherited(jail)
	}
	return r.cfg.Env
}

// Shared implements [runtimes.Sharing]: Node.js has its modules beside the directory
// of its program.
func (r *Runtime) Shared() []string {
	bin := filepath.Dir(r.info.Program)
	shared := []string{r.info.Program, bin, filepath.Join(filepath.Dir(bin), "lib", "node_modules")}
	if main, err := r.driver.file(mainFile); err == nil {
		shared = append(shared, filepath.Dir(main))
	}
	return shared
}

// merged adds the variables of a spec to the inherited ones. The later of two
// entries wins in the child.
func merged(base []string, added map[string]string) []string {
	env := make([]string, 0, len(base)+len(added))
	env = append(env, base...)
	for name, value := range added {
		env = append(env, name+"="+value)
	}
	return env
}
