package files

import (
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/files"
	"hotcell/handlers/daytona"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
)

const (
	// maxBulk is how many files one form may have. Each costs a little memory
	// until the answer.
	maxBulk = 10_000
	// maxPathField is how long the field with a path may be.
	maxPathField = 16 << 10
)

// storedBody is a file that was stored.
type storedBody struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// bulkBody is the answer to an upload of several files.
type bulkBody struct {
	Files []storedBody `json:"files"`
}

// bulkFault is the answer if some were not stored. The Python SDK shows the
// errors, the others the message.
type bulkFault struct {
	daytona.ErrorBody
	Errors []string     `json:"errors"`
	Files  []storedBody `json:"files"`
}

// bulkUpload stores the files of a form: for each i a field files[i].path, and
// after it, not necessarily at once, a part files[i].file. A file that cannot be
// stored doesn't keep the others from it.
func (d *Dialect) bulkUpload(c *fiber.Ctx) error {
	return d.with(c, func(v *visit) error {
		in, stop, err := d.receive(c, v)
		if err != nil {
			return err
		}
		defer stop()
		if in.form == nil {
			return fault.BadRequest("several files are uploaded as multipart/form-data, not %q", c.Get(fiber.HeaderContentType))
		}
		b := &bulk{inbound: in, tree: v.tree, explain: d.Explain, paths: map[string]string{}, done: map[string]bool{}, stored: []storedBody{}}
		err = b.all()
		for _, f := range b.stored {
			request.Note(c, f.Path)
		}
		if err != nil {
			return b.interrupted(err)
		}
		d.touch(c)
		return b.answer(c)
	})
}

// bulk is one such form on its way in.
type bulk struct {
	inbound
	tree    files.Tree
	explain func(error) *fault.Fault
	paths   map[string]string // by index, as it stands in the form
	done    map[string]bool   // whose file has come

	stored []storedBody
	errors []string
	first  *fault.Fault // of the first that failed
}

// all reads the form. An error is the form's: what has been stored stays.
func (b *bulk) all() error {
	for {
		part, err := b.next()
		if err != nil {
			return err
		}
		if part == nil {
			break
		}
		if max(len(b.paths), len(b.done), len(b.errors)) > maxBulk {
			return fault.New(http.StatusRequestEntityTooLarge, "the form has more than %d files: send the rest in another", maxBulk)
		}
		if err := b.take(part); err != nil {
			return err
		}
	}
	for _, index := range slices.Sorted(maps.Keys(b.paths)) {
		if !b.done[index] {
			b.fail(b.paths[index], fault.BadRequest("files[%s].path has no part files[%s].file after it", index, index))
		}
	}
	if len(b.stored)+len(b.errors) == 0 {
		return fault.BadRequest("the form has no files: send files[0].path and then files[0].file, and so on")
	}
	return nil
}

func (b *bulk) take(part *multipart.Part) error {
	name, file := field(part)
	found := regexp.MustCompile(`^files\[([0-9]{1,9})\]\.(path|file)$`).FindStringSubmatch(name)
	switch {
	case found == nil && file:
		b.fail(short(name), fault.BadRequest("a file's part must be named files[0].file, files[1].file and so on, not %q", short(name)))
		return nil
	case found == nil:
		return nil // a field that others may know
	case found[2] == "path":
		return b.path(found[1], part)
	default:
		return b.file(found[1], part)
	}
}

func (b *bulk) path(index string, part *multipart.Part) error {
	path, err := io.ReadAll(io.LimitReader(part, maxPathField))
	if err != nil {
		return b.failure(err)
	}
	if _, twice := b.paths[index]; twice {
		b.fail(string(path), fault.BadRequest("files[%s].path is there twice", index))
		return nil
	}
	b.paths[index] = string(path)
	return nil
}

func (b *bulk) file(index string, part *multipart.Part) error {
	path, known := b.paths[index]
	twice := b.done[index]
	b.done[index] = true
	switch {
	case twice:
		b.fail(path, fault.BadRequest("files[%s].file is there twice", index))
		return nil
	case !known:
		b.fail("files["+index+"].file", fault.BadRequest("files[%s].path must come before files[%s].file, and didn't", index, index))
		return nil
	}
	draft, err := b.tree.Create(path)
	if err != nil {
		b.fail(path, b.explain(err))
		return nil
	}
	defer draft.Discard()
	if lost, err := b.copied(draft, part); lost {
		return err
	} else if err != nil {
		b.fail(path, b.explain(err))
		return nil
	}
	if err := draft.Commit(); err != nil {
		b.fail(path, b.explain(err))
		return nil
	}
	abs, err := b.tree.Path(path)
	if err != nil {
		return err
	}
	b.stored = append(b.stored, storedBody{Path: abs, Bytes: draft.Size})
	return nil
}

// fail notes a file that is not stored.
func (b *bulk) fail(path string, f *fault.Fault) {
	if b.first == nil {
		b.first = f
	}
	words := f.Message
	if quoted := fmt.Sprintf("%q", path); !strings.HasPrefix(words, quoted) {
		words = quoted + ": " + words
	}
	b.errors = append(b.errors, words)
}

// answer says what was stored and what was not. The status is that of the first
// file that was not.
func (b *bulk) answer(c *fiber.Ctx) error {
	if b.first == nil {
		return c.JSON(bulkBody{Files: b.stored})
	}
	f := *b.first
	f.Message = b.words()
	return c.Status(f.Status).JSON(bulkFault{ErrorBody: daytona.NewErrorBody(c, &f), Errors: b.errors, Files: b.stored})
}

func (b *bulk) words() string {
	if len(b.errors) == 1 && len(b.stored) == 0 {
		return b.errors[0]
	}
	shown := b.errors
	more := ""
	if len(shown) > maxNamed {
		more = fmt.Sprintf("; and %d more", len(shown)-maxNamed)
		shown = shown[:maxNamed]
	}
	return fmt.Sprintf("%d of %d files were not stored: %s%s",
		len(b.errors), len(b.errors)+len(b.stored), strings.Join(shown, "; "), more)
}

// interrupted says of a form that ended early what was stored of it.
func (b *bulk) interrupted(err error) error {
	f := *b.explain(err)
	if n := len(b.stored); n > 0 {
		f.Message = fmt.Sprintf("%s; %d files before were stored, the last of them %q", f.Message, n, b.stored[n-1].Path)
	}
	f.Message = strings.Join(slices.Concat([]string{f.Message}, b.errors[:min(len(b.errors), maxNamed)]), "; ")
	return &f
}

// short is enough of a name to recognise it.
func short(name string) string {
	const enough = 60
	if len(name) > enough {
		return strings.ToValidUTF8(name[:enough], "") + "…"
	}
	return name
}
