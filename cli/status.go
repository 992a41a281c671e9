package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"hotcell/runtimes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
)

// statusLimit bounds a question that a healthy server answers at once.
const statusLimit = 10 * time.Second

type statusCommand struct {
	remoteFlags
	JSON bool `name:"json" help:"Print what the server says as it is."`
}

// Run asks a server how it is.
func (c *statusCommand) Run(a *app) error {
	if c.URL == "" {
		c.URL = "http://" + defaultListen
	}
	key, err := c.key()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, statusLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.URL, "/")+"/v1/status", nil)
	if err != nil {
		return badUsage("%q is not a server's URL, such as http://%s", c.URL, defaultListen)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", c.URL, resp.Status, strings.TrimSpace(string(body)))
	}
	if c.JSON {
		_, err = a.term.Out.Write(body)
		return err
	}
	return printStatus(a.term.Out, c.URL, body)
}

func printStatus(w io.Writer, url string, body []byte) error {
	var s struct {
		Version   string
		Runtimes  []runtimes.Info
		Contexts  struct{ Total, Busy int }
		Isolation *isolation.Status
		Limits    *limits.Status
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return fmt.Errorf("%s is not a hotcell server: %w", url, err)
	}
	fmt.Fprintf(w, "hotcell %s at %s: %d contexts, %d busy\n", s.Version, url, s.Contexts.Total, s.Contexts.Busy)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range s.Runtimes {
		state := r.Version + "\t" + r.Program
		if r.Fault != "" {
			state = "missing\t" + r.Fault
		}
		fmt.Fprintf(table, "%s\t%s\n", r.Name, state)
	}
	if l := s.Limits; l != nil {
		fmt.Fprintf(table, "limits\t%s\ta sandbox: %s; a context: %s\n", l.Mechanism, limitWords(l.Sandbox), limitWords(l.Context))
		if l.Reason != "" {
			fmt.Fprintf(table, "\t\t%s\n", l.Reason)
		}
		if l.Sandbox.Disk > 0 {
			fmt.Fprintf(table, "disk\t%s\t%s\n", l.Disk.Mechanism, l.Disk.Reason)
		} else {
			fmt.Fprintf(table, "disk\tno limit\n")
		}
	}
	if i := s.Isolation; i != nil {
		users := "the server's user"
		if i.Users {
			users = "a user for each sandbox"
		}
		if i.Mode == "none" {
			fmt.Fprintf(table, "isolation\tnone\t%s\n", i.Reason)
		} else {
			fmt.Fprintf(table, "isolation\t%s\t%s; network: %s\n", i.Mode, users, i.Network)
			if i.Reason != "" {
				fmt.Fprintf(table, "\t\t%s\n", i.Reason)
			}
		}
	}
	return table.Flush()
}
