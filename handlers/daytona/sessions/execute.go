package sessions

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/process/session"
)

// executeRequest is a command. Async is what RunAsync was called before.
type executeRequest struct {
	Command           string `json:"command"`
	RunAsync          bool   `json:"runAsync"`
	Async             bool   `json:"async"`
	SuppressInputEcho bool   `json:"suppressInputEcho"`
}

// execute queues a command, and answers at once or when it has ended. It has no
// time limit, and goes on if the client leaves.
func (d Deps) execute(c *fiber.Ctx) error {
	var req executeRequest
	if err := request.Body(c, &req); err != nil {
		return err
	}
	s, err := d.find(c)
	if err != nil {
		return err
	}
	async := req.RunAsync || req.Async
	cmd, err := s.Execute(session.Request{Text: req.Command, Async: async, NoEcho: req.SuppressInputEcho, Origin: request.Origin(c)})
	if err != nil {
		return err
	}
	if async {
		return c.Status(http.StatusAccepted).JSON(fiber.Map{"cmdId": cmd.ID()})
	}
	<-cmd.Done()
	if err := cmd.Err(); err != nil {
		return err
	}
	return d.answer(c, cmd)
}

func (d Deps) command(c *fiber.Ctx) error {
	cmd, err := d.findCommand(c)
	if err != nil {
		return err
	}
	return c.JSON(showCommand(cmd))
}

func (d Deps) input(c *fiber.Ctx) error {
	var req struct {
		Data *string `json:"data"`
	}
	if err := request.Body(c, &req); err != nil {
		return err
	}
	cmd, err := d.findCommand(c)
	if err != nil {
		return err
	}
	if req.Data == nil {
		return fault.BadRequest("data is required: the text to send; an empty one is a line's end")
	}
	if err := cmd.Send(*req.Data); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
