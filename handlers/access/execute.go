package access

import (
	"context"

	"hotcell/interpreter"
	"hotcell/process/command"
)

// Execute starts an execution as one of the client's key: within its limit, and
// interrupted when the key ends. Interrupted code keeps its variables.
func (a *Access) Execute(start func() (*interpreter.Execution, error)) (*interpreter.Execution, error) {
	lease, err := a.key.Begin()
	if err != nil {
		return nil, err
	}
	x, err := start()
	if err != nil {
		lease.Release()
		return nil, err
	}
	// An error means that it has ended.
	lease.OnEnd(func(cause error) { _ = x.Interrupt(cause.Error(), 0) })
	if x.OnEnd(lease.Release) == nil {
		lease.Release()
	}
	return x, nil
}

// Start starts a command in the same way. It is killed when the key ends.
func (a *Access) Start(start func() (*command.Command, error)) (*command.Command, error) {
	lease, err := a.key.Begin()
	if err != nil {
		return nil, err
	}
	x, err := start()
	if err != nil {
		lease.Release()
		return nil, err
	}
	lease.OnEnd(x.End)
	a.Until(x.Done(), lease)
	return x, nil
}

// Until releases a lease when something is done, which its owner sees to.
func (a *Access) Until(done <-chan struct{}, lease interface{ Release() }) {
	go func() { // ends with what was started, which its set ends at the latest
		<-done
		lease.Release()
	}()
}

// Work counts a request that runs something itself, until done is called. The
// context ends with that of the key too.
func (a *Access) Work(parent context.Context) (ctx context.Context, done func(), err error) {
	lease, err := a.key.Begin()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(parent)
	lease.OnEnd(func(cause error) { cancel(cause) })
	return ctx, func() { lease.Release(); cancel(nil) }, nil
}
