// Package fault holds an error as a client is told it: a status, a code for
// programs and a sentence for people. Every dialect writes it in its own
// format. The package owns nothing and knows no dialect.
package fault

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Fault is an error that a client may see as it is.
type Fault struct { //nolint:errname // fault.FaultError would say it twice
	Status  int    // HTTP status
	Code    string // for programs, NOT_FOUND
	Message string // for people, one sentence
	ID      string // of an unexpected error, which the server's log explains
	// RetryAfter is when the same may be tried again; 0 is not known.
	RetryAfter time.Duration
	// Result is what a program had put out when it was cut off, if this is about
	// one that was.
	Result *string
}

func (f *Fault) Error() string { return f.Message }

// RetryHeader is the value of the header Retry-After, in whole seconds; empty if
// there is nothing to say.
func (f *Fault) RetryHeader() string {
	if f.RetryAfter <= 0 {
		return ""
	}
	return strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))
}

// New returns a fault with the status's usual code.
func New(status int, format string, args ...any) *Fault {
	return &Fault{Status: status, Code: Code(status), Message: fmt.Sprintf(format, args...)}
}

// BadRequest is a request that makes no sense as it is.
func BadRequest(format string, args ...any) *Fault {
	return New(http.StatusBadRequest, format, args...)
}

// NotFound is a thing that isn't there, or not for this client.
func NotFound(format string, args ...any) *Fault {
	return New(http.StatusNotFound, format, args...)
}

// Unsupported is a feature of a protocol that hotcell doesn't have.
func Unsupported(format string, args ...any) *Fault {
	return New(http.StatusNotImplemented, format, args...)
}

// Code is the word for a status, as the Daytona clients know them.
func Code(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "BAD_REQUEST"
	case http.StatusUnauthorized:
		return "UNAUTHORIZED"
	case http.StatusForbidden:
		return "FORBIDDEN"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusMethodNotAllowed:
		return "METHOD_NOT_ALLOWED"
	case http.StatusRequestTimeout:
		return "REQUEST_TIMEOUT"
	case http.StatusConflict:
		return "CONFLICT"
	case http.StatusGone:
		return "GONE"
	case http.StatusRequestEntityTooLarge:
		return "REQUEST_TOO_LARGE"
	case http.StatusUnprocessableEntity:
		return "UNPROCESSABLE_ENTITY"
	case http.StatusUpgradeRequired:
		return "UPGRADE_REQUIRED"
	case http.StatusTooManyRequests:
		return "TOO_MANY_REQUESTS"
	case http.StatusRequestHeaderFieldsTooLarge:
		return "HEADERS_TOO_LARGE"
	case http.StatusNotImplemented:
		return "NOT_IMPLEMENTED"
	case http.StatusServiceUnavailable:
		return "SERVICE_UNAVAILABLE"
	case http.StatusUnsupportedMediaType:
		return "UNSUPPORTED_MEDIA_TYPE"
	default:
		if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
			return "BAD_REQUEST"
		}
		return "INTERNAL_SERVER_ERROR"
	}
}
