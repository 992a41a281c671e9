package daytona

import (
	"bytes"
	"encoding/json"
	"time"

	"hotcell/handlers/request"
)

const (
	// defaultTimeout is what the SDKs promise when none is given.
	defaultTimeout = 10 * time.Minute
)

// runRequest is the first message on an interpreter's WebSocket.
type runRequest struct {
	code    string
	context string // empty: the default one
	env     map[string]string
	timeout time.Duration // 0: none
}

// protocolError is a message that isn't a request at all.
type protocolError struct{ words string }

func (e *protocolError) Error() string { return e.words }

// policyError is a request that is refused for what it asks.
type policyError struct{ words string }

func (e *policyError) Error() string { return e.words }

func decodeRun(msg []byte) (runRequest, error) {
	var raw struct {
		Code, ContextID, Envs, Timeout json.RawMessage
	}
	if err := json.Unmarshal(msg, &raw); err != nil {
		var kind *json.UnmarshalTypeError
		if asType(err, &kind) {
			return runRequest{}, &protocolError{"the request must be a JSON object, not " + kind.Value}
		}
		return runRequest{}, &protocolError{"the request is not JSON: " + err.Error()}
	}
	if isNull(bytes.TrimSpace(msg)) {
		return runRequest{}, &protocolError{"the request must be a JSON object, not null"}
	}
	req := runRequest{timeout: defaultTimeout}
	if isNull(raw.Code) {
		return req, &policyError{"code is required"}
	}
	if json.Unmarshal(raw.Code, &req.code) != nil {
		return req, &protocolError{"code must be a string"}
	}
	if req.code == "" {
		return req, &policyError{"code is required"}
	}
	if !isNull(raw.ContextID) && json.Unmarshal(raw.ContextID, &req.context) != nil {
		return req, &protocolError{"contextId must be a string"}
	}
	if !isNull(raw.Envs) && json.Unmarshal(raw.Envs, &req.env) != nil {
		return req, &protocolError{"envs must be an object of strings"}
	}
	var err error
	if !isNull(raw.Timeout) {
		if req.timeout, err = request.Seconds("timeout", raw.Timeout); err != nil {
			err = &policyError{err.Error()}
		}
	}
	return req, err
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
