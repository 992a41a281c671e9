package native

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/artifact"
	"hotcell/interpreter"
)

// maxArtifacts is how many one answer lists. A cell that shows more than a
// handful is an animation.
const maxArtifacts = 1000

// artifactList is a part of an execution's artifacts.
type artifactList struct {
	Artifacts []*artifact.Artifact `json:"artifacts"`
	// Next is where the list goes on, as its query's "from"; absent when this
	// was all that there is so far.
	Next uint64 `json:"next,omitempty"`
}

// listArtifacts answers with what an execution has shown so far.
func (d *Dialect) listArtifacts(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	from, err := fromQuery(c)
	if err != nil {
		return err
	}
	x, err := d.execution(r.Execution)
	if err != nil {
		return err
	}
	list, err := artifactsOf(x, max(from, 1))
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, list)
}

// artifactsOf looks through the events that there are, for as long as a client can be
// expected to wait: what they show may have to be read from disk and put into other
// formats.
func artifactsOf(x *interpreter.Execution, from uint64) (artifactList, error) {
	list := artifactList{Artifacts: []*artifact.Artifact{}}
	first, there := from, x.Snapshot().Events
	events := x.Events(from)
	defer events.Close()
	ctx, cancel := context.WithTimeout(context.Background(), readLimit)
	defer cancel()
	for from <= there {
		batch, err := events.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) && from > first {
			list.Next = from
			return list, nil
		}
		if err != nil {
			return list, err
		}
		for i := range batch {
			e := &batch[i]
			if len(list.Artifacts) == maxArtifacts || e.Seq > first && ctx.Err() != nil {
				list.Next = e.Seq
				return list, nil
			}
			from = e.Seq + 1
			a := artifact.Of(e, x.ID())
			if a == nil {
				continue
			}
			if err := a.Complete(); err != nil {
				return list, err
			}
			list.Artifacts = append(list.Artifacts, a)
		}
	}
	return list, nil
}

// showArtifact answers with one artifact: with a file of it, when the address
// ends like a file's name.
func (d *Dialect) showArtifact(c *fiber.Ctx) error {
	id, err := segment(c.Params("execution"))
	if err != nil {
		return err
	}
	number, ending, named := strings.Cut(strings.Clone(c.Params("artifact")), ".")
	e, err := d.numbered(id, number)
	if err != nil {
		return err
	}
	a := artifact.Of(e, id)
	if a == nil {
		return refuse(http.StatusNotFound, codeNoFormat, "event %d of execution %s shows no chart, table or picture, it is of the type %s", e.Seq, id, e.Type)
	}
	if !named {
		if err := a.Complete(); err != nil {
			return err
		}
		return send(c, http.StatusOK, a)
	}
	kind, body, ok, err := a.File(ending)
	if err != nil {
		return err
	}
	if !ok {
		return refuse(http.StatusNotFound, codeNoFormat, "%s", a.Lack(ending))
	}
	return sendFile(c, kind, body)
}
