package handlers

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"hotcell/contexts"
	"hotcell/handlers/fault"
	"hotcell/interpreter"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/process/machine"
	"hotcell/process/session"
	"hotcell/runtimes"
	"hotcell/sandboxes"
	"hotcell/stream"
)

// known maps the errors of the packages below to what a client is told. The
// message is the error's own text, which those packages write for people.
// Earlier rows win.
func known() []row {
	return []row{
		{contexts.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{contexts.ErrDefault, http.StatusBadRequest, "BAD_REQUEST"},
		{contexts.ErrLimit, http.StatusTooManyRequests, "TOO_MANY_CONTEXTS"},
		{contexts.ErrClosed, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{sandboxes.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{sandboxes.ErrNameTaken, http.StatusConflict, "CONFLICT"},
		{sandboxes.ErrBuiltIn, http.StatusBadRequest, "BAD_REQUEST"},
		{sandboxes.ErrInvalid, http.StatusBadRequest, "BAD_REQUEST"},
		{sandboxes.ErrNotStarted, http.StatusConflict, "SANDBOX_NOT_STARTED"},
		{sandboxes.ErrClosed, http.StatusServiceUnavailable, "SHUTTING_DOWN"},
		{runtimes.ErrUnknownLanguage, http.StatusBadRequest, "UNKNOWN_LANGUAGE"},
		{runtimes.ErrUnavailable, http.StatusServiceUnavailable, "RUNTIME_UNAVAILABLE"},
		{interpreter.ErrQueueFull, http.StatusTooManyRequests, "QUEUE_FULL"},
		{interpreter.ErrClosed, http.StatusGone, "CONTEXT_CLOSED"},
		{interpreter.ErrDuplicateID, http.StatusConflict, "DUPLICATE_ID"},
		{interpreter.ErrUnknownExecution, http.StatusNotFound, "NOT_FOUND"},
		{interpreter.ErrEvicted, http.StatusGone, "EVICTED"},
		{interpreter.ErrNotRunning, http.StatusConflict, "NOT_RUNNING"},
		{interpreter.ErrNoAnswer, http.StatusGatewayTimeout, "NO_ANSWER"},
		{interpreter.ErrNoInputRequested, http.StatusConflict, "NO_INPUT_REQUESTED"},
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
		{stream.ErrDiscarded, http.StatusGone, "EVICTED"},
	}
}

type row struct {
	err    error
	status int
	code   string
}

// explain says what a client may know of err. What isn't in the table is our
// own fault: the client gets an id, and the log has the rest under it.
func (s *Server) explain(err error) *fault.Fault {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	var fe *fiber.Error
	if errors.As(err, &fe) {
		return fault.New(fe.Code, "%s", fe.Message)
	}
	var (
		env     *interpreter.EnvError
		cwd     *interpreter.CwdError
		refused *interpreter.RefusedError
		procEnv *process.EnvError
		procCwd *process.CwdError
		ended   *session.EndedError
		shell   *session.StartError
		invalid *command.InvalidError
		program *command.NotFoundError
	)
	if errors.As(err, &env) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "INVALID_ENV", Message: env.Error()}
	}
	if errors.As(err, &cwd) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "INVALID_CWD", Message: cwd.Error()}
	}
	if errors.As(err, &procEnv) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "INVALID_ENV", Message: procEnv.Error()}
	}
	if errors.As(err, &procCwd) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "INVALID_CWD", Message: procCwd.Error()}
	}
	if errors.As(err, &ended) {
		return &fault.Fault{Status: http.StatusGone, Code: "SESSION_ENDED", Message: ended.Error()}
	}
	if errors.As(err, &shell) {
		return &fault.Fault{Status: http.StatusServiceUnavailable, Code: "SHELL_START_FAILED", Message: shell.Error()}
	}
	if errors.As(err, &invalid) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "INVALID_COMMAND", Message: invalid.Error()}
	}
	if errors.As(err, &program) {
		code := "COMMAND_NOT_FOUND"
		if !program.Missing() {
			code = "COMMAND_NOT_EXECUTABLE"
		}
		return &fault.Fault{Status: http.StatusBadRequest, Code: code, Message: program.Error()}
	}
	if errors.As(err, &refused) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "KERNEL_REFUSED", Message: refused.Error()}
	}
	for _, r := range known() {
		if errors.Is(err, r.err) {
			return &fault.Fault{Status: r.status, Code: r.code, Message: err.Error()}
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
