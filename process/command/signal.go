package command

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// SignalError is a word that is no signal's name.
type SignalError struct{ Name string }

func (e *SignalError) Error() string {
	return fmt.Sprintf("%q is not the name of a signal, such as SIGINT, SIGTERM or SIGKILL", e.Name)
}

// ParseSignal finds a signal by its name, with or without SIG before it.
func ParseSignal(name string) (syscall.Signal, error) {
	upper := strings.ToUpper(name)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	if sig := unix.SignalNum(upper); sig != 0 {
		return sig, nil
	}
	return 0, &SignalError{Name: name}
}
