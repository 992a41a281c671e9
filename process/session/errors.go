package session

import (
	"errors"
	"fmt"
)

// Errors of sessions and their commands.
var (
	ErrNotFound       = errors.New("session not found")
	ErrExists         = errors.New("a session with this id exists already")
	ErrInvalid        = errors.New("the request is not valid")
	ErrTooLarge       = errors.New("the command is too large")
	ErrLimit          = errors.New("too many sessions")
	ErrQueueFull      = errors.New("the session's queue is full")
	ErrLeftovers      = errors.New("too many commands have left processes that still hold their output")
	ErrUnknownCommand = errors.New("command not found")
	ErrEvicted        = errors.New("the command is too old to be kept")
	ErrCompleted      = errors.New("the command has ended")
	ErrNoInput        = errors.New("the command takes no input: it was not started asynchronously")
	ErrInputFull      = errors.New("the command has not read its input so far")
)

// Reasons for which sessions are ended from outside.
var (
	errDeleted = errors.New("it was deleted")
	errSandbox = errors.New("its sandbox was stopped")
)

// EndedError says that a session runs nothing any more, and why.
type EndedError struct {
	Session string
	Words   string // why: "its shell exited with status 3 in command …"
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("session %q has ended: %s", e.Session, e.Words)
}

// StartError says that a session's shell could not be started.
type StartError struct {
	Shell string // its path
	Words string // what went wrong, with what the shell said
	Err   error  // may be nil
}

func (e *StartError) Error() string {
	return fmt.Sprintf("the shell %s could not be started: %s", e.Shell, e.Words)
}

func (e *StartError) Unwrap() error { return e.Err }
