package files

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/files"
	"hotcell/handlers/fault"
)

// Headers that say what an answer leaves out, for which the clients' formats
// have no place.
const (
	truncatedHeader = "X-Hotcell-Truncated"
	skippedHeader   = "X-Hotcell-Skipped"
)

// infoBody is a file as the SDKs read it; all but path are required by some.
type infoBody struct {
	Name        string    `json:"name"`
	Path        string    `json:"path"`
	IsDir       bool      `json:"isDir"`
	Size        int64     `json:"size"`
	Mode        string    `json:"mode"`        // -rw-r--r--
	Permissions string    `json:"permissions"` // 0644
	Owner       string    `json:"owner"`
	Group       string    `json:"group"`
	ModTime     string    `json:"modTime"` // as Go prints a time
	ModifiedAt  time.Time `json:"modifiedAt"`
}

func show(i files.Info) infoBody {
	at := i.Modified.UTC()
	return infoBody{
		Name: i.Name, Path: i.Path, IsDir: i.Dir, Size: i.Size,
		Mode: i.Mode.String(), Permissions: files.Octal(i.Mode),
		Owner: i.Owner, Group: i.Group, ModTime: at.String(), ModifiedAt: at,
	}
}

func (d *Dialect) list(c *fiber.Ctx) error {
	depth := 1
	if s := query(c, "depth"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return fault.BadRequest("depth must be a whole number, not %q", s)
		}
		depth = n
	}
	dir := query(c, "path")
	if dir == "" {
		dir = "."
	}
	return d.walk(c, func(v *visit) error {
		list, account, err := v.room.List(v.ctx, dir, depth)
		if err != nil {
			return err
		}
		shown := make([]infoBody, 0, len(list))
		for _, i := range list {
			shown = append(shown, show(i))
		}
		announce(c, account)
		return c.JSON(shown)
	})
}

func (d *Dialect) info(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	return d.with(c, func(v *visit) error {
		i, err := v.room.Info(v.ctx, p)
		if err != nil {
			return err
		}
		return c.JSON(show(i))
	})
}

// matchBody is a line that was found.
type matchBody struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Content string `json:"content"`
}

func (d *Dialect) find(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	text := query(c, "pattern")
	return d.walk(c, func(v *visit) error {
		found, account, err := v.room.Find(v.ctx, p, text)
		if err != nil {
			return err
		}
		shown := make([]matchBody, 0, len(found))
		for _, m := range found {
			shown = append(shown, matchBody(m))
		}
		announce(c, account)
		return c.JSON(shown)
	})
}

// foundBody is the answer to a search for names. The SDKs read the files.
type foundBody struct {
	Files     []string `json:"files"`
	Truncated string   `json:"truncated,omitempty"`
}

func (d *Dialect) search(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	glob := query(c, "pattern")
	return d.walk(c, func(v *visit) error {
		found, account, err := v.room.Search(v.ctx, p, glob)
		if err != nil {
			return err
		}
		announce(c, account)
		return c.JSON(foundBody{Files: found, Truncated: account.Truncated})
	})
}

// announce says in headers what was left out.
func announce(c *fiber.Ctx, a files.Account) {
	if a.Truncated != "" {
		c.Set(truncatedHeader, a.Truncated)
	}
	var skipped []string
	for _, s := range []struct {
		what string
		n    int
	}{{"binary", a.Binary}, {"unreadable", a.Unreadable}} {
		if s.n > 0 {
			skipped = append(skipped, fmt.Sprintf("%s=%d", s.what, s.n))
		}
	}
	if len(skipped) > 0 {
		c.Set(skippedHeader, strings.Join(skipped, ", "))
	}
}
