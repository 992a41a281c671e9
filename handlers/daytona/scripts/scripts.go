// Package scripts answers POST /process/code-run, the Daytona SDKs' code_run:
// code that is run once. It translates; package process/script runs it.
package scripts

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/charts"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/internal/wire"
	"hotcell/process"
	"hotcell/process/script"
)

// Config is what the route stands on. All but Log are needed.
type Config struct {
	Runs *script.Runs
	// Place is where processes of a sandbox run; an error if it isn't started.
	Place func(sandbox string) (process.Place, error)
	// Language is the language in which a sandbox's code is run when the
	// request names the given one, or none.
	Language  func(sandbox, asked string) (string, error)
	SandboxOf func(*fiber.Ctx) string
	Log       *slog.Logger
}

// Mount returns what adds the route.
func Mount(cfg Config) func(fiber.Router) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &scripts{cfg}
	return func(r fiber.Router) { r.Post("/process/code-run", s.run) }
}

// scripts is what the handler is a method of. It has no state of its own.
type scripts struct{ Config }

// runRequest is what the SDKs send. Pointers tell what is missing.
type runRequest struct {
	Code     *string            `json:"code"`
	Language string             `json:"language"`
	Argv     []*string          `json:"argv"`
	Envs     map[string]*string `json:"envs"`
	Timeout  json.RawMessage    `json:"timeout"`
}

// runAnswer is what they read, and our own engine.
type runAnswer struct {
	ExitCode  int        `json:"exitCode"`
	Result    string     `json:"result"`
	Artifacts *artifacts `json:"artifacts,omitempty"`
	Engine    string     `json:"engine"`
}

type artifacts struct {
	Charts  []json.RawMessage `json:"charts"`
	Omitted int               `json:"omitted,omitempty"` // charts that were too many or too large
}

func (s *scripts) run(c *fiber.Ctx) error {
	req, err := decode(c)
	if err != nil {
		return err
	}
	sandbox := s.SandboxOf(c)
	req.Origin = request.Origin(c)
	place, err := s.Place(sandbox)
	if err != nil {
		return err
	}
	if req.Language, err = s.Language(sandbox, req.Language); err != nil {
		return err
	}
	// Nothing tells that a client has left, and what it began may matter to
	// others: the run ends by itself, or with its time.
	result, err := s.Runs.Run(context.Background(), place, req)
	if err != nil {
		return err
	}
	answer := runAnswer{ExitCode: result.ExitCode, Result: result.Output, Engine: result.Engine}
	if len(result.Figures) > 0 || result.Omitted > 0 {
		answer.Artifacts = &artifacts{Charts: s.charts(result.Figures), Omitted: result.Omitted}
	}
	return c.JSON(answer)
}

// decode reads a request. Nothing of it refers to the connection's buffers.
func decode(c *fiber.Ctx) (script.Request, error) {
	if err := request.CheckText(c.Body()); err != nil {
		return script.Request{}, err
	}
	var body runRequest
	if err := request.Body(c, &body); err != nil {
		return script.Request{}, err
	}
	if body.Code == nil {
		return script.Request{}, fault.BadRequest("code is required: the text of the program")
	}
	timeout, err := request.Seconds("timeout", body.Timeout)
	if err != nil {
		return script.Request{}, err
	}
	req := script.Request{
		Language: strings.Clone(body.Language), Code: *body.Code, Timeout: timeout, Env: make(map[string]string, len(body.Envs)),
	}
	for i, arg := range body.Argv {
		if arg == nil {
			return script.Request{}, fault.BadRequest("argv[%d] must be a string, not null", i)
		}
		req.Args = append(req.Args, *arg)
	}
	for name, value := range body.Envs {
		if value == nil {
			return script.Request{}, fault.BadRequest("envs: the value of %q must be a string, not null", name)
		}
		req.Env[name] = *value
	}
	return req, nil
}

// charts translates figures. One that can't be translated is at least a picture:
// a chart never makes a run fail.
func (s *scripts) charts(figures []wire.Bundle) []json.RawMessage {
	translated := make([]json.RawMessage, 0, len(figures))
	for _, figure := range figures {
		chart, err := charts.ShownDaytona(figure)
		if err != nil {
			s.Log.Warn("a figure could not be translated", slog.Any("error", err))
		}
		translated = append(translated, chart)
	}
	return translated
}
