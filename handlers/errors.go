package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"syscall"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"hotcell/contexts"
	"hotcell/files"
	"hotcell/files/room"
	"hotcell/handlers/body"
	"hotcell/handlers/fault"
	"hotcell/interpreter"
	"hotcell/keys"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/process/machine"
	"hotcell/process/script"
	"hotcell/process/session"
	"hotcell/process/terminal"
	"hotcell/runtimes"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
	"hotcell/stream"
)

// clientLeft is what other servers call it, too. Nobody is there to read it.
const clientLeft = 499

// known maps the errors of the packages below to what a client is told. The
// message is the error's own text, which those packages write for people.
// Earlier rows win.
func known() []row {
	return []row{
		{contexts.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{contexts.ErrDefault, http.StatusBadRequest, "BAD_REQUEST"},
		{contexts.ErrLimit, http.StatusTooManyRequests, "TOO_MANY_CONTEXTS"},
		{contexts.ErrClosed, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{keys.ErrUnknown, http.StatusUnauthorized, "UNAUTHORIZED"},
		{keys.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{keys.ErrNameTaken, http.StatusConflict, "CONFLICT"},
		{keys.ErrInvalid, http.StatusBadRequest, "BAD_REQUEST"},
		{keys.ErrFirst, http.StatusBadRequest, "BAD_REQUEST"},
		{keys.ErrLimit, http.StatusTooManyRequests, "TOO_MANY_KEYS"},
		{sandboxes.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{sandboxes.ErrNameTaken, http.StatusConflict, "CONFLICT"},
		{sandboxes.ErrBuiltIn, http.StatusBadRequest, "BAD_REQUEST"},
		{sandboxes.ErrInvalid, http.StatusBadRequest, "BAD_REQUEST"},
		{sandboxes.ErrNotStarted, http.StatusConflict, "SANDBOX_NOT_STARTED"},
		{sandboxes.ErrClosed, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{limits.ErrDisk, http.StatusServiceUnavailable, "DISK_UNAVAILABLE"},
		{runtimes.ErrUnknownLanguage, http.StatusBadRequest, "UNKNOWN_LANGUAGE"},
		{runtimes.ErrUnavailable, http.StatusServiceUnavailable, "RUNTIME_UNAVAILABLE"},
		{runtimes.ErrStruck, http.StatusServiceUnavailable, "RUNTIME_START_FAILED"},
		{interpreter.ErrQueueFull, http.StatusTooManyRequests, "QUEUE_FULL"},
		{interpreter.ErrClosed, http.StatusGone, "CONTEXT_CLOSED"},
		{interpreter.ErrShutdown, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{interpreter.ErrDuplicateID, http.StatusConflict, "DUPLICATE_ID"},
		{interpreter.ErrUnknownExecution, http.StatusNotFound, "NOT_FOUND"},
		{interpreter.ErrEvicted, http.StatusGone, "EVICTED"},
		{interpreter.ErrNotRunning, http.StatusConflict, "NOT_RUNNING"},
		{interpreter.ErrNoAnswer, http.StatusGatewayTimeout, "NO_ANSWER"},
		{interpreter.ErrNoInputRequested, http.StatusConflict, "NO_INPUT_REQUESTED"},
		{process.ErrNoProcess, http.StatusTooManyRequests, "TOO_MANY_PROCESSES"},
		{process.ErrNoShell, http.StatusServiceUnavailable, "NO_SHELL"},
		{process.ErrClosed, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{session.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{session.ErrExists, http.StatusConflict, "CONFLICT"},
		{session.ErrInvalid, http.StatusBadRequest, "BAD_REQUEST"},
		{session.ErrTooLarge, http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE"},
		{session.ErrLimit, http.StatusTooManyRequests, "TOO_MANY_SESSIONS"},
		{session.ErrQueueFull, http.StatusTooManyRequests, "QUEUE_FULL"},
		{session.ErrLeftovers, http.StatusTooManyRequests, "TOO_MANY_PROCESSES"},
		{session.ErrUnknownCommand, http.StatusNotFound, "NOT_FOUND"},
		{session.ErrEvicted, http.StatusGone, "EVICTED"},
		{session.ErrCompleted, http.StatusGone, "COMMAND_ALREADY_COMPLETED"},
		{session.ErrNoInput, http.StatusConflict, "NO_INPUT"},
		{session.ErrInputFull, http.StatusTooManyRequests, "INPUT_FULL"},
		{command.ErrTooMany, http.StatusTooManyRequests, "TOO_MANY_COMMANDS"},
		{command.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{command.ErrEvicted, http.StatusGone, "EVICTED"},
		{command.ErrNotRunning, http.StatusConflict, "NOT_RUNNING"},
		{command.ErrNoEvents, http.StatusConflict, "NO_EVENTS"},
		{command.ErrSandboxEnded, http.StatusConflict, "SANDBOX_NOT_STARTED"},
		{command.ErrDeleted, http.StatusConflict, "COMMAND_DELETED"},
		{command.ErrNoInput, http.StatusConflict, "NO_INPUT"},
		{command.ErrInputClosed, http.StatusGone, "INPUT_CLOSED"},
		{command.ErrNoRoom, http.StatusServiceUnavailable, "NO_ROOM"},
		{machine.ErrUnknown, http.StatusNotImplemented, "NOT_IMPLEMENTED"},
		{terminal.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{terminal.ErrExists, http.StatusConflict, "CONFLICT"},
		{terminal.ErrLimit, http.StatusTooManyRequests, "TOO_MANY_TERMINALS"},
		{terminal.ErrClients, http.StatusTooManyRequests, "TOO_MANY_CLIENTS"},
		{terminal.ErrUnavailable, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE"},
		{terminal.ErrInputFull, http.StatusConflict, "INPUT_FULL"},
		{terminal.ErrSlow, http.StatusGone, "OUTPUT_LOST"},
		{isolation.ErrEnded, http.StatusConflict, "SANDBOX_ENDED"},
		{isolation.ErrClosed, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE"},
		{script.ErrTimeout, http.StatusRequestTimeout, "PROCESS_EXECUTION_TIMEOUT"},
		{script.ErrStopped, http.StatusConflict, "SANDBOX_NOT_STARTED"},
		{script.ErrUnknownEnd, http.StatusInternalServerError, "EXIT_UNKNOWN"},
		{script.ErrBusy, http.StatusTooManyRequests, "TOO_MANY_RUNS"},
		{script.ErrArgument, http.StatusBadRequest, "INVALID_ARGUMENT"},
		{script.ErrUnsupported, http.StatusBadRequest, "UNKNOWN_LANGUAGE"},
		{stream.ErrDiscarded, http.StatusGone, "EVICTED"},
		{stream.ErrNoSpace, http.StatusInsufficientStorage, "DISK_FULL"},
		{stream.ErrDisk, http.StatusServiceUnavailable, "DISK_FAILED"},
		{stream.ErrDamaged, http.StatusInternalServerError, "EVENTS_DAMAGED"},
		{stream.ErrClosed, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{files.ErrNotFound, http.StatusNotFound, "FILE_NOT_FOUND"},
		{files.ErrDenied, http.StatusForbidden, "FILE_ACCESS_DENIED"},
		{files.ErrPath, http.StatusBadRequest, "INVALID_FILE_PATH"},
		{files.ErrArgument, http.StatusBadRequest, "BAD_REQUEST"},
		{files.ErrExists, http.StatusConflict, "CONFLICT"},
		{files.ErrTooMany, http.StatusUnprocessableEntity, "TOO_MANY_FILES"},
		{files.ErrNoSpace, http.StatusInsufficientStorage, "DISK_FULL"},
		{files.ErrRead, http.StatusInternalServerError, "FILE_READ_FAILED"},
		{files.ErrShrunk, http.StatusInternalServerError, "FILE_READ_FAILED"},
		{files.ErrWrite, http.StatusInternalServerError, "FILE_WRITE_FAILED"},
		{files.ErrEnded, http.StatusConflict, "SANDBOX_NOT_STARTED"},
		{room.ErrUnavailable, http.StatusServiceUnavailable, "FILES_UNAVAILABLE"},
		{body.ErrLeft, http.StatusBadRequest, "BAD_REQUEST"},
		{body.ErrBroken, http.StatusBadRequest, "BAD_REQUEST"},
		{body.ErrSilent, http.StatusRequestTimeout, "REQUEST_TIMEOUT"},
		{syscall.EMFILE, http.StatusServiceUnavailable, "NO_ROOM"},
		{syscall.ENFILE, http.StatusServiceUnavailable, "NO_ROOM"},
		{context.Canceled, clientLeft, "CLIENT_LEFT"},
	}
}

// typed are the errors that have a type of their own. Each is asked in turn, and
// has the words itself: what it is wrapped in is for the log.
func typed() []func(error) *fault.Fault {
	return []func(error) *fault.Fault{
		as[*keys.EndedError](http.StatusUnauthorized, "KEY_ENDED"),
		limited,
		as[*contexts.LostError](http.StatusGone, contexts.CodeLost),
		as[*interpreter.EnvError](http.StatusBadRequest, "INVALID_ENV"),
		as[*interpreter.CwdError](http.StatusBadRequest, "INVALID_CWD"),
		as[*interpreter.RefusedError](http.StatusBadRequest, "KERNEL_REFUSED"),
		as[*process.EnvError](http.StatusBadRequest, "INVALID_ENV"),
		as[*process.CwdError](http.StatusBadRequest, "INVALID_CWD"),
		as[*runtimes.StartError](http.StatusServiceUnavailable, "RUNTIME_START_FAILED"),
		as[*session.EndedError](http.StatusGone, "SESSION_ENDED"),
		as[*session.StartError](http.StatusServiceUnavailable, "SHELL_START_FAILED"),
		as[*terminal.EndedError](http.StatusGone, "GONE"),
		as[*terminal.InvalidError](http.StatusBadRequest, "BAD_REQUEST"),
		as[*command.InvalidError](http.StatusBadRequest, "INVALID_COMMAND"),
		func(err error) *fault.Fault {
			var program *command.NotFoundError
			if errors.As(err, &program) && !program.Missing() {
				return &fault.Fault{Status: http.StatusBadRequest, Code: "COMMAND_NOT_EXECUTABLE", Message: program.Error()}
			}
			return nil
		},
		as[*command.NotFoundError](http.StatusBadRequest, "COMMAND_NOT_FOUND"),
	}
}

func as[E error](status int, code string) func(error) *fault.Fault {
	return func(err error) *fault.Fault {
		var e E
		if !errors.As(err, &e) {
			return nil
		}
		return &fault.Fault{Status: status, Code: code, Message: e.Error()}
	}
}

// limited is for a key that has reached one of its limits.
func limited(err error) *fault.Fault {
	var limit *keys.LimitError
	if !errors.As(err, &limit) {
		return nil
	}
	code := map[string]string{
		keys.LimitRate: "RATE_LIMITED", keys.LimitExecutions: "TOO_MANY_EXECUTIONS", keys.LimitSockets: "TOO_MANY_SOCKETS",
	}[limit.Limit]
	return &fault.Fault{Status: http.StatusTooManyRequests, Code: code, Message: limit.Error(), RetryAfter: limit.After}
}

type row struct {
	err    error
	status int
	code   string
}

// explain says what a client may know of err. What isn't in the table is our
// own fault: the client gets an id, and the log has the rest under it.
func (s *Server) explain(err error) *fault.Fault {
	f := s.faultOf(err)
	s.cfg.Observe.limited(f)
	return f
}

func (s *Server) faultOf(err error) *fault.Fault {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	var fe *fiber.Error
	if errors.As(err, &fe) {
		return fault.New(fe.Code, "%s", fe.Message)
	}
	for _, match := range typed() {
		if f := match(err); f != nil {
			return f
		}
	}
	for _, r := range known() {
		if errors.Is(err, r.err) {
			return &fault.Fault{Status: r.status, Code: r.code, Message: err.Error(), Result: resultOf(err)}
		}
	}
	id := uuid.NewString()
	s.cfg.Log.Error("unexpected error", slog.String("id", id), slog.Any("error", err))
	return &fault.Fault{
		Status:  http.StatusInternalServerError,
		Code:    fault.Code(http.StatusInternalServerError),
		Message: "internal error " + id + ": the server's log says more",
		ID:      id,
	}
}

// resultOf is what a program had put out that was cut off.
func resultOf(err error) *string {
	var cut *script.CutError
	if errors.As(err, &cut) {
		return &cut.Output
	}
	return nil
}
