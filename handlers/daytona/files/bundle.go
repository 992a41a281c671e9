package files

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/files/room"
	"hotcell/handlers/daytona"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
)

// bulkDownload sends several files as the parts of a form: a part named file for
// each, or one named error that says why not. Each part says its length, and
// repeats as its file name the path as it was asked for.
func (d *Dialect) bulkDownload(c *fiber.Ctx) error {
	var req struct {
		Paths []string `json:"paths"`
	}
	if err := request.Body(c, &req); err != nil {
		return err
	}
	if len(req.Paths) == 0 {
		return fault.BadRequest("paths must name the files to download")
	}
	request.Note(c, req.Paths...)
	v, err := d.begin(c)
	if err != nil {
		// The TypeScript SDK doesn't read an error that it gets here, and its
		// program would live as long as the connection.
		c.Context().SetConnectionClose()
		return err
	}
	b := &bundle{
		outbound: d.outbound(c, v),
		paths:    req.Paths,
		open:     func(path string) (*room.Content, error) { return v.room.Open(v.ctx, path) },
		// 260 bits: in no file by chance. In browsers the TypeScript SDK looks for
		// it in lower case.
		boundary: strings.ToLower(rand.Text() + rand.Text()),
	}
	plain := daytona.NewErrorBody(c, &fault.Fault{}) // what it says of the request, for when that is gone
	b.refuse = func(err error) ([]byte, error) {
		f := d.Explain(err)
		said := plain
		said.StatusCode, said.Error, said.Code, said.Message = f.Status, http.StatusText(f.Status), f.Code, f.Message
		return json.Marshal(said)
	}
	c.Set(fiber.HeaderContentType, "multipart/form-data; boundary="+b.boundary)
	c.Context().SetBodyStream(b, -1)
	return nil
}

// bundle is the body of such an answer. Files are opened one after the other;
// if one becomes shorter than was said, the answer breaks off before its end,
// which clients notice.
type bundle struct {
	*outbound
	open     func(path string) (*room.Content, error)
	refuse   func(error) ([]byte, error)
	boundary string

	paths []string      // that are still to come
	text  bytes.Buffer  // between the files, not yet read
	file  *room.Content // the one that is being sent
	begun bool
	ended bool
}

func (b *bundle) Read(p []byte) (int, error) {
	if err := b.pace(); err != nil {
		return 0, b.note(err)
	}
	for {
		if b.text.Len() > 0 {
			return b.text.Read(p)
		}
		switch {
		case b.file != nil:
			n, err := b.file.Read(p)
			if n > 0 || err != nil && !errors.Is(err, io.EOF) {
				return n, b.note(err)
			}
			b.shut()
		case b.ended:
			return 0, io.EOF
		default:
			if err := b.next(); err != nil {
				return 0, b.note(err)
			}
		}
	}
}

// next begins the next part, or ends the form.
func (b *bundle) next() error {
	if b.begun {
		b.text.WriteString("\r\n")
	}
	b.begun = true
	if len(b.paths) == 0 {
		b.ended = true
		fmt.Fprintf(&b.text, "--%s--\r\n", b.boundary)
		return nil
	}
	path := b.paths[0]
	b.paths = b.paths[1:]
	file, err := b.open(path)
	if err == nil {
		b.file = file
		b.head("file", path, fiber.MIMEOctetStream, file.Size)
		return nil
	}
	said, err := b.refuse(err)
	if err != nil {
		return fmt.Errorf("encode an error: %w", err)
	}
	b.head("error", path, fiber.MIMEApplicationJSON, int64(len(said)))
	b.text.Write(said)
	return nil
}

func (b *bundle) head(name, path, kind string, size int64) {
	fmt.Fprintf(&b.text, "--%s\r\nContent-Disposition: form-data; name=%q; %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		b.boundary, name, filename(path), kind, size)
}

// filename is a path as a parameter of Content-Disposition. Paths beyond plain
// ASCII are said twice: as they are, and in the encoding that newer clients
// prefer, which read the first in one way or another.
func filename(path string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A", "\x00", "%00").Replace(path)
	plain := quoted == path
	for i := range len(path) {
		plain = plain && path[i] >= ' ' && path[i] < 0x7f
	}
	s := `filename="` + quoted + `"`
	if !plain {
		s += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(path), "+", "%20")
	}
	return s
}

func (b *bundle) shut() {
	if b.file != nil {
		_ = b.file.Close()
		b.file = nil
	}
}

// Close is called by the server, when everything was sent or cannot be.
func (b *bundle) Close() error {
	b.shut()
	b.over()
	return nil
}
