// Package request reads what clients send, for the dialects that share a way
// of saying it: bodies, parts of a path, seconds. What it returns is a copy,
// safe to keep after the handler has returned; what it refuses is a fault in
// words for the client. It owns nothing.
package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/body"
	"hotcell/handlers/fault"
)

// MaxTimeout stands for anything longer; a hundred years fit a Duration.
const MaxTimeout = 100 * 365 * 24 * time.Hour

// Body reads a JSON object; nothing at all counts as an empty one.
func Body(c *fiber.Ctx, into any) error {
	if err := body.Load(c); err != nil { // whoever let the request pass has done so
		return err
	}
	raw := bytes.TrimSpace(c.Body())
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			if kind.Field == "" {
				return fault.BadRequest("the request body must be a JSON object, not %s", kind.Value)
			}
			return fault.BadRequest("%s must be %s, not %s", kind.Field, wanted(kind.Type), kind.Value)
		}
		return &fault.Fault{Status: http.StatusBadRequest, Code: "INVALID_REQUEST_BODY", Message: "the request body is not JSON: " + err.Error()}
	}
	return nil
}

// wanted says in JSON's words what would have been right.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a number"
	}
}

// Param is a part of the path, decoded.
func Param(c *fiber.Ctx, name string) (string, error) {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return "", fault.BadRequest("the path is not valid: %v", err)
	}
	return strings.Clone(s), nil
}

// Seconds reads a JSON number of seconds; absent and null are 0. Fractions are
// meant, and what is shorter than a millisecond still isn't 0.
func Seconds(name string, raw json.RawMessage) (time.Duration, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case err != nil && !math.IsInf(seconds, 0):
		return 0, fault.BadRequest("%s must be a number of seconds, not %s", name, short(raw))
	case seconds < 0:
		return 0, fault.BadRequest("%s must not be negative: %s", name, short(raw))
	case seconds == 0:
		return 0, nil
	case seconds >= MaxTimeout.Seconds():
		return MaxTimeout, nil
	default:
		return max(time.Duration(seconds*float64(time.Second)), time.Millisecond), nil
	}
}

// short is enough of a value to recognise it.
func short(raw []byte) string {
	const enough = 40
	if len(raw) > enough {
		return string(raw[:enough]) + "…"
	}
	return string(raw)
}

// Stamp is a time as the clients parse it.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
