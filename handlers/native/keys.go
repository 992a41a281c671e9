package native

import (
	"cmp"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	httprequest "hotcell/handlers/request"
	"hotcell/keys"
)

// shownKey is a key as admins see it. Text is there once, in the answer that made it.
type shownKey struct {
	keys.Info
	Expired bool   `json:"expired,omitempty"`
	Text    string `json:"key,omitempty"`
}

func showKey(info keys.Info) shownKey {
	return shownKey{Info: info, Expired: info.Expired(time.Now())}
}

func (d *Dialect) listKeys(c *fiber.Ctx) error {
	out := []shownKey{}
	for _, info := range d.cfg.Keys.List() {
		out = append(out, showKey(info))
	}
	return send(c, http.StatusOK, out)
}

func (d *Dialect) createKey(c *fiber.Ctx) error {
	var spec keys.Spec
	if err := decodeBody(c, &spec); err != nil {
		return err
	}
	httprequest.Note(c, spec.Name)
	info, text, err := d.cfg.Keys.Create(spec)
	if err != nil {
		return err
	}
	c.Location("/v1/keys/" + info.ID)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return send(c, http.StatusCreated, shownKey{Info: info, Text: text})
}

func (d *Dialect) showKey(c *fiber.Ctx) error {
	id, err := segment(c.Params("key"))
	if err != nil {
		return err
	}
	info, err := d.cfg.Keys.Lookup(id)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, showKey(info))
}

func (d *Dialect) revokeKey(c *fiber.Ctx) error {
	id, err := segment(c.Params("key"))
	if err != nil {
		return err
	}
	info, err := d.cfg.Keys.Revoke(id)
	httprequest.Note(c, cmp.Or(info.Name, id))
	if err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
