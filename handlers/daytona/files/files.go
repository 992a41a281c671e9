// Package files is the file API of the toolbox: routes, multipart and JSON. What
// is done to files, the package hotcell/files knows.
//
// Uploads are read and downloads written at the pace of the connection, and
// held nowhere as a whole. An answer that is streamed keeps its file, and its
// place in [files.Visits], until the server closes it. Goroutines: one for each
// search, which watches for its client to leave and is joined before the answer.
package files

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/files"
	"hotcell/handlers/body"
	"hotcell/handlers/fault"
	"hotcell/handlers/hangup"
	"hotcell/handlers/request"
	"hotcell/process"
)

const (
	// DefaultStall is how long an upload may stand still: longer than networks
	// are gone for, and no longer than a person would wait.
	DefaultStall = time.Minute
	// downloadPatience is how much longer a download may: programs work on what
	// they read.
	downloadPatience = 10
)

// Config is what the dialect stands on.
type Config struct {
	Visits *files.Visits
	// Place is where a started sandbox's files are; asking is activity in it.
	Place     func(sandbox string) (process.Place, error)
	SandboxOf func(*fiber.Ctx) string
	// Explain is the server's one table of errors.
	Explain func(error) *fault.Fault
	// Stall is how long an upload may stand still; 0 is DefaultStall.
	Stall time.Duration
	Log   *slog.Logger
}

// Dialect serves the file API.
type Dialect struct{ Config }

// New returns a dialect to be mounted.
func New(cfg Config) *Dialect {
	cfg.Stall = cmp.Or(cfg.Stall, DefaultStall)
	return &Dialect{cfg}
}

// The uploads. They alone read their requests' bodies themselves.
func uploads() []string {
	return []string{"/files/upload", "/files/upload-v2", "/files/bulk-upload"}
}

// Streams reports whether a request's body is read as it comes.
func Streams(c *fiber.Ctx) bool {
	if c.Method() != fiber.MethodPost {
		return false
	}
	path := strings.TrimSuffix(c.Path(), "/")
	for _, upload := range uploads() {
		if strings.HasSuffix(path, upload) {
			return true
		}
	}
	return false
}

// Mount adds the routes, where the sandbox is known already.
func (d *Dialect) Mount(r fiber.Router) {
	r.Get("/files", d.list)
	r.Delete("/files", d.remove)
	r.Get("/files/info", d.info)
	r.Get("/files/find", d.find)
	r.Get("/files/search", d.search)
	r.Post("/files/folder", d.folder)
	r.Post("/files/move", d.move)
	r.Post("/files/permissions", d.permissions)
	r.Post("/files/replace", d.replace)
	r.Post("/files/upload", d.upload)
	r.Post("/files/upload-v2", d.upload)
	r.Post("/files/bulk-upload", d.bulkUpload)
	r.Get("/files/download", d.download)
	r.Post("/files/bulk-download", d.bulkDownload)
}

// visit is one request that is at work in a sandbox's files.
type visit struct {
	ctx   context.Context //nolint:containedctx // the request's, which Fiber doesn't have
	tree  files.Tree
	leave func()
}

// begin counts a request as work in its sandbox, until leave is called.
func (d *Dialect) begin(c *fiber.Ctx) (*visit, error) {
	sandbox := d.SandboxOf(c)
	ctx, leave, err := d.Visits.Begin(sandbox)
	if err != nil {
		return nil, err
	}
	// Asked after Begin: a sandbox that is stopped later finds this visit.
	place, err := d.Place(sandbox)
	if err != nil {
		leave()
		return nil, err
	}
	return &visit{ctx: ctx, tree: files.Of(place), leave: leave}, nil
}

// with runs something short as a visit.
func (d *Dialect) with(c *fiber.Ctx, do func(*visit) error) error {
	v, err := d.begin(c)
	if err != nil {
		return err
	}
	defer v.leave()
	return do(v)
}

var errLeft = errors.New("the client left")

// walk runs something that may take long, and ends it when the client leaves.
func (d *Dialect) walk(c *fiber.Ctx, do func(*visit) error) error {
	return d.with(c, func(v *visit) error {
		ctx, cancel := context.WithCancelCause(v.ctx)
		defer cancel(nil)
		watch := hangup.Begin(c.Context().Conn(), func() { cancel(errLeft) })
		defer watch.Stop()
		v.ctx = ctx
		err := do(v)
		if errors.Is(err, errLeft) {
			return body.ErrLeft
		}
		return err
	})
}

// query is a member of the query, copied.
func query(c *fiber.Ctx, name string) string { return strings.Clone(c.Query(name)) }

// path is a member of the query that must be there.
func path(c *fiber.Ctx, name string) (string, error) {
	if p := query(c, name); p != "" {
		request.Note(c, p)
		return p, nil
	}
	return "", &files.Error{Kind: files.ErrPath, Words: name + " is missing in the query"}
}

// flag is a member of the query that is true or false; absent is false.
func flag(c *fiber.Ctx, name string) (bool, error) {
	s := query(c, name)
	if s == "" {
		return false, nil
	}
	set, err := strconv.ParseBool(s)
	if err != nil {
		return false, fault.BadRequest("%s must be true or false, not %q", name, s)
	}
	return set, nil
}
