package files

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
)

func (d *Dialect) folder(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	mode := query(c, "mode")
	return d.with(c, func(v *visit) error {
		if err := v.tree.Mkdir(p, mode); err != nil {
			return err
		}
		c.Status(http.StatusCreated)
		return nil
	})
}

func (d *Dialect) remove(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	recursive, err := flag(c, "recursive")
	if err != nil {
		return err
	}
	return d.with(c, func(v *visit) error {
		if err := v.tree.Delete(p, recursive); err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	})
}

func (d *Dialect) move(c *fiber.Ctx) error {
	from, err := path(c, "source")
	if err != nil {
		return err
	}
	to, err := path(c, "destination")
	if err != nil {
		return err
	}
	return d.with(c, func(v *visit) error { return v.tree.Move(from, to) })
}

func (d *Dialect) permissions(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	owner, group, mode := query(c, "owner"), query(c, "group"), query(c, "mode")
	return d.with(c, func(v *visit) error { return v.tree.SetPermissions(p, owner, group, mode) })
}

// replaceRequest is the body of a replacement.
type replaceRequest struct {
	Files    []string `json:"files"`
	Pattern  string   `json:"pattern"`
	NewValue *string  `json:"newValue"`
}

// replacedBody is what became of one file.
type replacedBody struct {
	File    string `json:"file"`
	Success bool   `json:"success"`
	Error   string `json:"error,omitempty"`
}

func (d *Dialect) replace(c *fiber.Ctx) error {
	var req replaceRequest
	if err := request.Body(c, &req); err != nil {
		return err
	}
	if len(req.Files) == 0 {
		return fault.BadRequest("files must name the files in which to replace")
	}
	if req.NewValue == nil {
		return fault.BadRequest("newValue is missing; it may be empty")
	}
	request.Note(c, req.Files...)
	return d.walk(c, func(v *visit) error {
		done, err := v.tree.Replace(v.ctx, req.Files, req.Pattern, *req.NewValue)
		if err != nil {
			return err
		}
		shown := make([]replacedBody, 0, len(done))
		for _, r := range done {
			b := replacedBody{File: r.File, Success: r.Err == nil}
			if r.Err != nil {
				b.Error = d.Explain(r.Err).Message
			}
			shown = append(shown, b)
		}
		return c.JSON(shown)
	})
}
