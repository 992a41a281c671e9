package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/daytona"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/process"
	"hotcell/process/command"
)

const (
	// noStart is the exit code of a command that could not be started where it
	// was to run. SDKs and programs that were written for Daytona know it; they
	// expect no exception for a directory that isn't there.
	noStart = -1
	// lastWords is how much of its output goes into the message that a command's
	// time is over: what an exception can show.
	lastWords = 1000
	// omittedHeader says how many bytes of the output are not in the answer.
	omittedHeader = "Hotcell-Omitted-Bytes"
)

// outcome is the answer to a command, before its result.
type outcome struct {
	ExitCode     int   `json:"exitCode"`
	Truncated    bool  `json:"truncated,omitempty"`
	OmittedBytes int64 `json:"omittedBytes,omitempty"`
}

// failure is the answer to a command that the service ended.
type failure struct {
	daytona.ErrorBody
	outcome
}

// execute runs a command and answers when it has ended. That the client has left
// meanwhile isn't seen: the command goes on.
func (d *dialect) execute(c *fiber.Ctx) error {
	spec, err := decode(c)
	if err != nil {
		return err
	}
	sandbox := d.SandboxOf(c)
	spec.Origin = request.Origin(c)
	if spec.Place, err = d.Place(sandbox); err != nil {
		return err
	}
	spec.Admit = func() error {
		_, err := d.Place(sandbox)
		return err
	}
	r, err := d.Commands.Run(c.UserContext(), spec)
	if cwd := (*process.CwdError)(nil); errors.As(err, &cwd) {
		return c.JSON(struct {
			outcome
			Result string `json:"result"`
		}{outcome{ExitCode: noStart}, fmt.Sprintf("%v; relative directories start at %s\n", cwd, spec.Place.Dir)})
	}
	if err != nil {
		return err
	}
	return d.answer(c, r)
}

// answer tells how a command ended, with its output, which it gives away.
func (d *dialect) answer(c *fiber.Ctx, r *command.Result) error {
	o := outcome{ExitCode: r.Code, OmittedBytes: r.Output.Omitted()}
	if o.OmittedBytes > 0 {
		o.Truncated = true
		c.Set(omittedHeader, strconv.FormatInt(o.OmittedBytes, 10))
	}
	var members any = o
	if f := d.fault(r); f != nil {
		c.Status(f.Status)
		members = failure{daytona.NewErrorBody(c, f), o}
	}
	head, err := json.Marshal(members)
	if err != nil {
		_ = r.Output.Close()
		return fmt.Errorf("encode the answer: %w", err)
	}
	return send(c, head, r.Output)
}

// fault is what the service did to a command, if it did.
func (d *dialect) fault(r *command.Result) *fault.Fault {
	var f *fault.Fault
	switch r.Status {
	case command.StatusTimeout:
		f = &fault.Fault{Status: http.StatusRequestTimeout, Code: "PROCESS_EXECUTION_TIMEOUT"}
	case command.StatusEnded:
		f = d.Explain(r.Cause)
	default:
		return nil
	}
	f.Message = r.Reason + "; it had put out nothing"
	if words := strings.TrimSpace(r.Output.Tail(lastWords)); words != "" {
		f.Message = r.Reason + "; its output was, at the end: " + words
	}
	return f
}

// decode reads what is to be run, and says of what is no such thing what it is.
func decode(c *fiber.Ctx) (command.Spec, error) {
	var spec command.Spec
	var raw struct {
		Command, Cwd, Envs, Timeout json.RawMessage
	}
	err := request.Body(c, &raw)
	if err != nil {
		return spec, err
	}
	if isNull(raw.Command) {
		return spec, fault.BadRequest("command is required")
	}
	if spec.Text, err = words("command", raw.Command); err != nil {
		return spec, err
	}
	if spec.Cwd, err = words("cwd", raw.Cwd); err != nil {
		return spec, err
	}
	if spec.Env, err = variables("envs", raw.Envs); err != nil {
		return spec, err
	}
	spec.Timeout, err = request.Seconds("timeout", raw.Timeout)
	return spec, err
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// words reads a string; absent and null are empty.
func words(name string, raw json.RawMessage) (s string, err error) {
	if !isNull(raw) && json.Unmarshal(raw, &s) != nil {
		return "", fault.BadRequest("%s must be a string, not %s", name, kind(raw))
	}
	return s, nil
}

// variables reads an object of strings; absent and null are empty.
func variables(name string, raw json.RawMessage) (map[string]string, error) {
	if isNull(raw) {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil, fault.BadRequest("%s must be an object of strings, not %s", name, kind(raw))
	}
	out := make(map[string]string, len(members))
	for key, value := range members {
		var s *string
		if json.Unmarshal(value, &s) != nil || s == nil {
			return nil, fault.BadRequest("%s.%s must be a string, not %s", name, key, kind(value))
		}
		out[key] = *s
	}
	return out, nil
}

// list reads an array of strings; absent and null are empty.
func list(name string, raw json.RawMessage) ([]string, error) {
	if isNull(raw) {
		return nil, nil
	}
	var out []*string
	if json.Unmarshal(raw, &out) != nil || slices.Contains(out, nil) {
		return nil, fault.BadRequest("%s must be an array of strings, not %s", name, kind(raw))
	}
	all := make([]string, len(out))
	for i, s := range out {
		all[i] = *s
	}
	return all, nil
}

// kind names what somebody sent: a value, if it is short enough.
func kind(raw json.RawMessage) string {
	const enough = 40
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) <= enough:
		return string(raw)
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	default:
		return "a long string"
	}
}
