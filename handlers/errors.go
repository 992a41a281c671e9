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
	"hotcell/process/script"
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
		{script.ErrTimeout, http.StatusRequestTimeout, "PROCESS_EXECUTION_TIMEOUT"},
		{script.ErrStopped, http.StatusConflict, "SANDBOX_STOPPED"},
		{script.ErrUnknownEnd, http.StatusInternalServerError, "EXIT_UNKNOWN"},
		{script.ErrBusy, http.StatusTooManyRequests, "TOO_MANY_RUNS"},
		{script.ErrArgument, http.StatusBadRequest, "INVALID_ARGUMENT"},
		{script.ErrUnsupported, http.StatusBadRequest, "UNKNOWN_LANGUAGE"},
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
	if errors.As(err, &refused) {
		return &fault.Fault{Status: http.StatusBadRequest, Code: "KERNEL_REFUSED", Message: refused.Error()}
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
