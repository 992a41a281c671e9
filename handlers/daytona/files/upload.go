package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/files"
	"hotcell/files/room"
	"hotcell/handlers/body"
	"hotcell/handlers/fault"
)

// pieceSize is how much of an upload is held at once, on its way in and again
// on its way to the disk.
const pieceSize = 64 << 10

// inbound is the body of an upload, at the client's pace.
type inbound struct {
	*body.Reader // nil if there is none
	form         *multipart.Reader
}

// receive begins to read an upload. stop ends it.
func (d *Dialect) receive(c *fiber.Ctx, v *visit) (in inbound, stop func(), err error) {
	if err := body.Plain(c); err != nil {
		return in, nil, err
	}
	in.Reader = body.Of(c.Context())
	kind, params, err := mime.ParseMediaType(strings.Clone(c.Get(fiber.HeaderContentType)))
	if err == nil && kind == fiber.MIMEMultipartForm {
		if params["boundary"] == "" {
			return in, nil, fault.BadRequest("the content type says multipart/form-data and no boundary")
		}
		var src io.Reader = strings.NewReader("")
		if in.Reader != nil {
			src = bufio.NewReaderSize(in.Reader, pieceSize)
		}
		in.form = multipart.NewReader(src, params["boundary"])
	}
	if in.Reader == nil {
		return in, func() {}, nil
	}
	return in, in.Roll(v.ctx, d.Stall), nil
}

// failure is why an upload could not be read to its end: what the connection
// says goes before what the form's parser makes of it.
func (in inbound) failure(err error) error {
	if in.Reader != nil && in.Err() != nil && !errors.Is(in.Err(), io.EOF) {
		return in.Err()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.BadRequest("the form ends before its closing boundary")
	}
	return fault.BadRequest("the form cannot be read: %v", err)
}

// next is the next part of a form; nil after the last.
func (in inbound) next() (*multipart.Part, error) {
	part, err := in.form.NextPart()
	if err == io.EOF { // a wrapped one is a form that is cut off
		return nil, nil //nolint:nilnil // there is none
	} else if err != nil {
		return nil, in.failure(err)
	}
	return part, nil
}

// copied writes all of src. lost is set when the client, rather than the file,
// is at fault.
func (in inbound) copied(to *room.Draft, src io.Reader) (lost bool, err error) {
	out := bufio.NewWriterSize(to, pieceSize)
	_, err = io.Copy(out, src)
	if err == nil {
		err = out.Flush()
	}
	var own *files.Error
	if err == nil || errors.As(err, &own) {
		return false, err
	}
	return true, in.failure(err)
}

// uploadedBody is the answer to a single upload.
type uploadedBody struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Type string `json:"type"`
}

// upload stores one file: the part named file of a form, or the body itself.
func (d *Dialect) upload(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	return d.with(c, func(v *visit) error {
		abs, err := v.room.Path(p)
		if err != nil {
			return err
		}
		in, stop, err := d.receive(c, v)
		if err != nil {
			return err
		}
		defer stop()
		draft, err := v.room.Create(v.ctx, p)
		if err != nil {
			return err
		}
		defer draft.Discard()
		if err := in.single(draft); err != nil {
			return err
		}
		if err := draft.Commit(); err != nil {
			return err
		}
		d.touch(c)
		return c.JSON(uploadedBody{Name: filepath.Base(abs), Path: abs, Type: "file"})
	})
}

// single writes the one file that an upload is, and reads it to its end.
func (in inbound) single(draft *room.Draft) error {
	if in.form == nil {
		if in.Reader == nil {
			return nil // an empty file
		}
		_, err := in.copied(draft, in.Reader)
		return err
	}
	var seen []string
	stored := false
	for {
		part, err := in.next()
		if err != nil {
			return err
		}
		if part == nil {
			break
		}
		name, _ := field(part)
		if name != "file" {
			if len(seen) < maxNamed {
				seen = append(seen, fmt.Sprintf("%q", name))
			}
			continue
		}
		if stored {
			return fault.BadRequest("the form has more than one file: send several to /files/bulk-upload")
		}
		stored = true
		if _, err := in.copied(draft, part); err != nil {
			return err
		}
	}
	if !stored {
		return fault.BadRequest("the form has no part named \"file\"; its parts are: %s", named(seen))
	}
	return nil
}

// maxNamed is how many parts are named in an error.
const maxNamed = 10

func named(seen []string) string {
	if len(seen) == 0 {
		return "none"
	}
	return strings.Join(seen, ", ")
}

// field is the name of a form's part, and whether it is a file. Some clients
// send file names that are not quoted as they should be.
func field(part *multipart.Part) (name string, file bool) {
	header := part.Header.Get(fiber.HeaderContentDisposition)
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		found := regexp.MustCompile(`(?i);\s*name="([^"]*)"`).FindStringSubmatch(header)
		if found == nil {
			return "", false
		}
		return found[1], strings.Contains(strings.ToLower(header), "filename")
	}
	_, file = params["filename"]
	return params["name"], file
}

// touch notes that the sandbox was used just now: a long upload began long ago.
func (d *Dialect) touch(c *fiber.Ctx) { _, _ = d.Place(d.SandboxOf(c)) }
