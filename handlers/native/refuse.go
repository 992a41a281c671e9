package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hotcell/handlers/fault"
)

// Codes of the faults that only this dialect has. The others come from the
// table that all dialects share.
const (
	codeInvalid  = "INVALID_REQUEST"
	codeUnknown  = "UNKNOWN_TYPE"
	codeTooLarge = "MESSAGE_TOO_LARGE"
	codeAttached = "ALREADY_ATTACHED"
	codeDetached = "NOT_ATTACHED"
	codeTooMany  = "TOO_MANY_REQUESTS"
	codeClosing  = "SHUTTING_DOWN"
	codeGone     = "EVENTS_GONE"
	codeNoFormat = "NO_FORMAT"
)

func refuse(status int, code, format string, args ...any) *fault.Fault {
	return &fault.Fault{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *fault.Fault {
	return refuse(http.StatusBadRequest, codeInvalid, format, args...)
}

// shownFault is a fault as clients see it, in {"error": …}.
type shownFault struct {
	Code    string `json:"code"`         // for programs
	Message string `json:"message"`      // for people
	ID      string `json:"id,omitempty"` // of an unexpected fault, which the server's log explains
	Status  int    `json:"status"`       // what HTTP says, or would say
}

func show(f *fault.Fault) shownFault {
	return shownFault{Code: f.Code, Message: f.Message, ID: f.ID, Status: f.Status}
}

// decodeFault says in a client's words why its JSON was refused.
func decodeFault(err error) *fault.Fault {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return invalid("the request is not JSON: %v, at byte %d", syntax, syntax.Offset)
	case errors.As(err, &kind) && kind.Field == "":
		return invalid("the request must be a JSON object, not %s", article(kind.Value))
	case errors.As(err, &kind):
		return invalid("member %q must be %s, not %s", kind.Field, wanted(kind.Type.Kind().String()), article(kind.Value))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid("unknown member %s", name)
	}
	return invalid("the request is not JSON: %v", err)
}

// wanted names a Go kind as JSON does.
func wanted(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "string":
		return "a string"
	case "map", "struct":
		return "an object"
	case "int", "int64", "uint64":
		return "a whole number"
	default:
		return "a number"
	}
}

// article puts "a number 3.5" for what encoding/json calls "number 3.5".
func article(value string) string {
	switch {
	case value == "bool":
		return "true or false"
	case strings.HasPrefix(value, "array"), strings.HasPrefix(value, "object"):
		return "an " + value
	default:
		return "a " + value
	}
}
