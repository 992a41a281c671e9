package daytona

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/sandboxes"
)

// Page sizes, as the SDKs' own documentation has them.
const (
	pageDefault = 100
	pageMax     = 200
)

// filter keeps the sandboxes that a list call asks for.
type filter func(sandboxes.Sandbox) bool

// listSandboxes answers one page, and where the next begins.
func (d *dialect) listSandboxes(c *fiber.Ctx) error {
	limit, err := wholeQuery(c, "limit", pageDefault, pageMax)
	if err != nil {
		return err
	}
	found, err := d.selected(c)
	if err != nil {
		return err
	}
	if cursor := c.Query("cursor"); cursor != "" {
		// The cursor is the key that the last item was sorted by: it says where
		// to go on even if that item is gone by now.
		after, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			return fault.BadRequest("the cursor is not one of this server's")
		}
		by, dir := c.Query("sort"), order(c)
		found = slices.DeleteFunc(found, func(sb sandboxes.Sandbox) bool {
			return dir*cmp.Compare(sortKey(sb, by), string(after)) <= 0
		})
	}
	var next *string
	if len(found) > limit {
		found = found[:limit]
		s := base64.RawURLEncoding.EncodeToString([]byte(sortKey(found[limit-1], c.Query("sort"))))
		next = &s
	}
	return c.JSON(fiber.Map{"items": d.items(c, found), "nextCursor": next})
}

// listPages is the same by page number, for SDKs before 0.190.
func (d *dialect) listPages(c *fiber.Ctx) error {
	limit, err := wholeQuery(c, "limit", pageDefault, pageMax)
	if err != nil {
		return err
	}
	page, err := wholeQuery(c, "page", 1, 1<<20)
	if err != nil {
		return err
	}
	found, err := d.selected(c)
	if err != nil {
		return err
	}
	total := len(found)
	from := min((page-1)*limit, total)
	return c.JSON(fiber.Map{
		"items": d.items(c, found[from:min(from+limit, total)]),
		"total": total, "page": page, "totalPages": (total + limit - 1) / limit,
	})
}

func (d *dialect) items(c *fiber.Ctx, found []sandboxes.Sandbox) []sandboxBody {
	base := d.BaseURL(c)
	items := make([]sandboxBody, 0, len(found))
	for _, sb := range found {
		items = append(items, d.show(sb, base))
	}
	return items
}

// selected are the sandboxes that match and that the client may see, in the order
// asked for. The built-in one isn't listed: programs delete what they list.
func (d *dialect) selected(c *fiber.Ctx) ([]sandboxes.Sandbox, error) {
	filters, err := filters(c)
	if err != nil {
		return nil, err
	}
	by := access.Of(c)
	found := slices.DeleteFunc(d.Sandboxes.All(), func(sb sandboxes.Sandbox) bool {
		return sb.ID == sandboxes.DefaultID || !by.SeesSandbox(sb) ||
			slices.ContainsFunc(filters, func(keep filter) bool { return !keep(sb) })
	})
	key, dir := c.Query("sort"), order(c)
	slices.SortStableFunc(found, func(a, b sandboxes.Sandbox) int {
		return dir * cmp.Compare(sortKey(a, key), sortKey(b, key))
	})
	return found, nil
}

// sortKey orders sandboxes by a member, and those that are alike by their id.
func sortKey(sb sandboxes.Sandbox, by string) string {
	var key string
	switch by {
	case "name":
		key = sb.Name
	case "state":
		key = string(sb.State)
	case "snapshot":
		key = sb.Snapshot
	case "region", "target":
		key = sb.Target
	case "cpu":
		key = fmt.Sprintf("%020d", sb.CPU)
	case "memory", "memoryGiB":
		key = fmt.Sprintf("%020d", sb.Memory)
	case "disk", "diskGiB":
		key = fmt.Sprintf("%020d", sb.Disk)
	case "updatedAt", "lastEvent":
		key = sortable(sb.Updated)
	case "lastActivityAt":
		key = sortable(sb.LastActivity)
	default:
		key = sortable(sb.Created)
	}
	return key + "\x00" + sb.ID
}

func sortable(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func order(c *fiber.Ctx) int {
	if strings.EqualFold(c.Query("order"), "desc") {
		return -1
	}
	return 1
}

// wholeQuery reads a number that some clients send as 10.0.
func wholeQuery(c *fiber.Ctx, name string, absent, most int) (int, error) {
	s := c.Query(name)
	if s == "" {
		return absent, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || f < 1 || f > float64(most) {
		return 0, fault.BadRequest("%s must be a whole number between 1 and %d", name, most)
	}
	return int(f), nil
}
