package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hotcell/keys"
)

type keysCommand struct {
	Create keysCreate `cmd:"" help:"Make a key and print it. It is shown this once."`
	List   keysList   `cmd:"" help:"List the keys, without what is secret."`
	Revoke keysRevoke `cmd:"" help:"End a key, and at once what its clients have begun."`
}

// Help is added to what the commands' --help prints.
func (keysCommand) Help() string {
	return `Without --url the keys are those of the data directory: of the server that uses it, which is asked
and does at once what is asked for; or of the directory itself, when no server runs.`
}

// keysFlags say whose keys are meant.
type keysFlags struct {
	URL     string `name:"url" help:"A running server, such as https://cells.example.org. Default: the one that uses the data directory, or that directory." placeholder:"URL"`
	APIKey  string `name:"api-key" help:"A key with the scope admin. Better given as HOTCELL_API_KEY. Default: the one in the data directory." placeholder:"KEY"`
	DataDir string `help:"The data directory. Default: as for serve." placeholder:"DIR" type:"path"`
	JSON    bool   `name:"json" env:"-" help:"Print JSON."`
}

type keysCreate struct {
	Name string `arg:"" help:"Its name, in lists and logs."`

	Scope      string    `env:"-" help:"What it may do: read (look), run (execute, upload, type), admin (sandboxes, keys, everything). Each includes the one before." enum:"read,run,admin" required:""`
	Sandbox    []string  `env:"-" sep:"none" help:"A sandbox, by its id or name, to which it is confined; others aren't there for it. May be repeated. Default: all." placeholder:"NAME"`
	Expires    string    `env:"-" help:"When it ends: after a time, such as 90d or 12h, or at one, such as 2027-01-31 or 2027-01-31T12:00:00Z. Default: never." placeholder:"WHEN"`
	Rate       keys.Rate `env:"-" help:"How many requests it may send, such as 50/s, 1000/m or none. Default: the server's --key-rate." placeholder:"N/UNIT"`
	Executions int       `env:"-" help:"How many of its executions and commands may wait or run at once; -1 is no limit. Default: the server's --key-executions." placeholder:"N"`
	Sockets    int       `env:"-" help:"How many WebSockets it may have open at once; -1 is no limit. Default: the server's --key-sockets." placeholder:"N"`
	keysFlags
}

type keysList struct{ keysFlags }

type keysRevoke struct {
	Key string `arg:"" help:"Its name or id."`
	keysFlags
}

// shownKey is a key as the server shows it, too.
type shownKey struct {
	keys.Info
	Text string `json:"key,omitempty"`
}

// keeper is where keys are kept: a store of our own, or a server.
type keeper interface {
	Create(ctx context.Context, spec keys.Spec) (shownKey, error)
	List(ctx context.Context) ([]shownKey, error)
	Revoke(ctx context.Context, idOrName string) error
}

// Run makes a key.
func (c *keysCreate) Run(a *app) error {
	spec := keys.Spec{
		Name: c.Name, Sandboxes: c.Sandbox,
		Limits: keys.Limits{Rate: c.Rate, Executions: c.Executions, Sockets: c.Sockets},
	}
	err := spec.Scope.UnmarshalText([]byte(c.Scope))
	if err == nil {
		spec.Expires, err = when(c.Expires, time.Now())
	}
	if err != nil {
		return badUsage("%v", err)
	}
	var made shownKey
	err = c.with(a, func(ctx context.Context, k keeper) (err error) {
		made, err = k.Create(ctx, spec)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.term.Out, made)
	}
	// The key alone on the standard output, for scripts.
	fmt.Fprintf(a.term.Err, "hotcell: key %s (%s), scope %s, for %s, %s; it is shown this once\n",
		made.Name, made.ID, made.Scope, among(made.Info), until(made.Info, time.Now()))
	_, err = fmt.Fprintln(a.term.Out, made.Text)
	return err
}

// Run lists the keys.
func (c *keysList) Run(a *app) error {
	var list []shownKey
	err := c.with(a, func(ctx context.Context, k keeper) (err error) {
		list, err = k.List(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.term.Out, list)
	}
	table := tabwriter.NewWriter(a.term.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPE\tSANDBOXES\tEND\tLIMITS\tMADE")
	for _, k := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Scope, among(k.Info),
			until(k.Info, time.Now()), bounds(k.Limits), k.Created.Format(time.DateOnly))
	}
	return table.Flush()
}

// Run revokes a key.
func (c *keysRevoke) Run(a *app) error {
	return c.with(a, func(ctx context.Context, k keeper) error { return k.Revoke(ctx, c.Key) })
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// among is the sandboxes of a key, in words.
func among(k keys.Info) string {
	if len(k.Sandboxes) == 0 {
		return "all sandboxes"
	}
	return strings.Join(k.Sandboxes, ", ")
}

// until is the end of a key, in words.
func until(k keys.Info, now time.Time) string {
	switch {
	case k.Expires.IsZero():
		return "no end"
	case k.Expired(now):
		return "ended " + k.Expires.Format(time.RFC3339)
	default:
		return "until " + k.Expires.Format(time.RFC3339)
	}
}

// bounds are the limits of a key, in words.
func bounds(l keys.Limits) string {
	var words []string
	if !l.Rate.IsZero() {
		words = append(words, l.Rate.String())
	}
	for _, n := range []struct {
		most int
		of   string
	}{{l.Executions, "executions"}, {l.Sockets, "sockets"}} {
		switch {
		case n.most > 0:
			words = append(words, fmt.Sprintf("%d %s", n.most, n.of))
		case n.most < 0:
			words = append(words, "any "+n.of)
		}
	}
	if len(words) == 0 {
		return "the server's"
	}
	return strings.Join(words, ", ")
}

const day = 24 * time.Hour

var errWhen = errors.New("--expires must be a time from now, such as 90d or 12h, or a date, such as 2027-01-31 or 2027-01-31T12:00:00Z")

// when reads the end of a key; nothing is never.
func when(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.Add(time.Duration(n) * day).UTC().Truncate(time.Second), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d).UTC().Round(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w; it is %q", errWhen, text)
}
