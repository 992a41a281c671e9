package files

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/files/room"
	"hotcell/handlers/fault"
)

// download sends one file, or the range of it that is asked for.
func (d *Dialect) download(c *fiber.Ctx) error {
	p, err := path(c, "path")
	if err != nil {
		return err
	}
	v, err := d.begin(c)
	if err != nil {
		return err
	}
	content, err := v.room.Open(v.ctx, p)
	if err != nil {
		v.leave()
		return err
	}
	size := content.Size
	modified := content.Modified.UTC().Format(http.TimeFormat)
	part, err := wanted(c, size, modified)
	if err == nil && part != nil {
		err = content.Section(part.from, part.size)
	}
	if err != nil {
		_ = content.Close()
		v.leave()
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": filepath.Base(p)}))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	c.Set(fiber.HeaderLastModified, modified)
	if part != nil {
		c.Status(http.StatusPartialContent)
		c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", part.from, part.from+part.size-1, size))
		size = part.size
	}
	c.Context().SetBodyStream(&sending{outbound: d.outbound(c, v), src: content}, int(size))
	return nil
}

// section is a part of a file.
type section struct{ from, size int64 }

// wanted is the range that a request asks for; nil if that is all of the file.
// Several ranges at once are answered with all of it, which is allowed.
func wanted(c *fiber.Ctx, size int64, modified string) (*section, error) {
	from, to, ok := parseRange(c.Get(fiber.HeaderRange), size)
	if only := c.Get(fiber.HeaderIfRange); only != "" && only != modified {
		ok = false // of a file that has changed, all is wanted
	}
	switch {
	case !ok:
		return nil, nil //nolint:nilnil // none is asked for
	case from > to:
		c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", size))
		return nil, fault.New(http.StatusRequestedRangeNotSatisfiable, "the file has %d bytes, and %q lies beyond them", size, c.Get(fiber.HeaderRange))
	}
	return &section{from: from, size: to - from + 1}, nil
}

// parseRange reads bytes=FROM-TO, bytes=FROM- and bytes=-LAST: the first and the
// last byte, of which the first is the larger if there is nothing between.
// What it doesn't understand is to be passed over.
func parseRange(header string, size int64) (from, to int64, ok bool) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, 0, false
	}
	a, aerr := strconv.ParseUint(first, 10, 63)
	b, berr := strconv.ParseUint(last, 10, 63)
	switch {
	case first == "" && berr == nil:
		return size - min(int64(b), size), size - 1, true
	case aerr == nil && last == "":
		return int64(a), size - 1, true
	case aerr == nil && berr == nil && a <= b:
		return int64(a), min(int64(b), size-1), true
	}
	return 0, 0, false
}

// sending is a download's body.
type sending struct {
	*outbound
	src *room.Content
}

func (s *sending) Read(p []byte) (int, error) {
	if err := s.pace(); err != nil {
		return 0, err
	}
	n, err := s.src.Read(p)
	return n, s.note(err)
}

// WriteTo is what the server uses instead of Read, with larger pieces.
func (s *sending) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(onlyWriter{w}, onlyReader{s}, make([]byte, pieceSize))
}

// Close is called by the server, when everything was sent or cannot be.
func (s *sending) Close() error {
	err := s.src.Close()
	s.over()
	return err
}

// These two keep io.Copy from finding a shorter way.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
