package chaos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/program"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// account compares the ledger with what the server says, execution by execution.
type account struct {
	t       *testing.T
	l       *ledger
	p       *program.Program
	c       *client.Client
	outcome map[string]int
	wrong   int
	codes   map[string]bool // refusals that fit
	jumps   bool            // the clock does: of two moments nobody knows which came first
	began   time.Time       // no execution is older
}

// mostFaults is how many are printed.
const mostFaults = 20

func (a *account) errorf(format string, args ...any) {
	a.t.Helper()
	if a.wrong++; a.wrong <= mostFaults {
		a.t.Errorf(format, args...)
	}
}

// settle takes account of everything, and returns how many executions there were.
func (c *crowd) settle(p *program.Program, codes ...string) {
	t := c.t
	t.Helper()
	conn, err := client.Dial(t.Context(), p.URL, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a := &account{t: t, l: c.l, p: p, c: conn, outcome: map[string]int{}, codes: map[string]bool{}, jumps: c.jumps, began: c.began}
	for _, code := range codes {
		a.codes[code] = true
	}
	for _, f := range c.l.faults {
		a.errorf("%s", f)
	}
	commands := a.commands()
	for id, x := range c.l.asked {
		if x.Deed == "command" {
			a.command(x, commands[id])
		} else {
			a.execution(x)
		}
	}
	a.strangers(commands)
	hits := map[string]int{}
	for _, s := range c.l.strikes {
		hits[s.what]++
	}
	t.Logf("seed %d: %d executions and commands were asked for; struck: %v", *seed, len(c.l.asked), hits)
	t.Logf("what became of them: %v; other requests refused: %v", a.outcome, c.l.noes)
	if a.wrong > mostFaults {
		t.Errorf("and %d more", a.wrong-mostFaults)
	}
	if a.outcome["ok"] == 0 {
		t.Error("none has come to its end")
	}
}

// shown is an execution as the server tells of it.
type shown struct {
	ID, Context string
	State       wire.State
	Status      wire.Status
	Created     time.Time
	Started     *time.Time
	Ended       *time.Time
	Duration    *float64 `json:"duration_ms"`
	Events      uint64
	Error       *wire.Event
}

func (a *account) ask(path string, into any) error {
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	resp, err := request(ctx, a.p.URL, a.p.Key, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// never takes in one that the server doesn't know, and reports whether it is that.
func (a *account) never(x *asked, err error) bool {
	refused := (*client.Error)(nil)
	if !errors.As(err, &refused) {
		if err != nil {
			a.errorf("%s: %v", x.ID, err)
		}
		return err != nil
	}
	switch {
	case refused.Status != http.StatusNotFound:
		a.errorf("%s: %s: %s", x.ID, refused.Code, refused.Message)
	case x.taken, len(x.seen) > 0:
		a.errorf("%s (%s) was accepted, and nobody knows it: taken %v, seen %d", x.ID, x.Deed, x.taken, len(x.seen))
	case len(x.refused) > 0:
		a.outcome["refused: "+x.refused[0].Code]++
		a.refusals(x)
	default:
		a.outcome["never accepted"]++ // and its client was told nothing
	}
	return true
}

// refusals looks at why executions were refused.
func (a *account) refusals(x *asked) {
	for _, r := range x.refused {
		if a.outcome["refused: "+r.Code] == 1 { // the first of them, for people
			a.t.Logf("%s in %s was refused: %s: %s", x.ID, x.Context, r.Code, r.Text)
		}
		if !a.codes[r.Code] {
			a.errorf("%s was refused: %s: %s", x.ID, r.Code, r.Text)
		}
	}
}

// execution takes account of one.
func (a *account) execution(x *asked) {
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	var s shown
	if err := a.ask("/v1/executions/"+x.ID, &s); a.never(x, err) {
		return
	}
	if len(x.refused) > 0 && !x.taken && x.broken == 0 {
		a.errorf("%s was refused (%s), and is there", x.ID, x.refused[0].Code)
	}
	r, err := a.c.Attach(ctx, x.ID, 1)
	if err != nil {
		a.errorf("%s: attach: %v", x.ID, err)
		return
	}
	there, err := follow(ctx, r)
	if err != nil {
		a.errorf("%s (%s, %s): follow: %v; it has %d events", x.ID, x.Deed, s.State, err, len(there))
		a.c.Drop()
		if a.c, err = client.Dial(a.t.Context(), a.p.URL, a.p.Key); err != nil {
			a.t.Fatal(err)
		}
		return
	}
	if err := a.ask("/v1/executions/"+x.ID, &s); err != nil { // after its end
		a.errorf("%s: %v", x.ID, err)
		return
	}
	if why := a.judge(x, s, there); why != "" {
		last := there[max(0, len(there)-3):]
		raw, _ := json.Marshal(last)
		a.errorf("%s (%s, %s, wishes %d, broken %d): %s\n%s\n%.600s", x.ID, x.Deed, x.Language, x.wishes, x.broken, why, s.Status, raw)
	}
	a.outcome[outcomeOf(s)]++
}

func outcomeOf(s shown) string {
	if s.Error != nil && s.Error.Cause != nil {
		return string(s.Status) + " " + s.Error.Cause.Reason + " " + s.Error.Cause.Signal
	}
	return string(s.Status)
}

// follow reads events to the last.
func follow(ctx context.Context, r *client.Run) (all []wire.Event, err error) {
	for {
		es, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, es...)
	}
}

// judge says what is wrong with an execution, if anything is.
func (a *account) judge(x *asked, s shown, there []wire.Event) string {
	if why := whole(there); why != "" {
		return why
	}
	if why := same(x.seen, there); why != "" {
		return why
	}
	last := there[len(there)-1]
	switch {
	case s.State != wire.StateDone || s.Status != last.Status || s.Events != uint64(len(there)):
		return fmt.Sprintf("it is shown as %s %s with %d events, and has %d, the last of which says %s", s.State, s.Status, s.Events, len(there), last.Status)
	case s.Ended == nil || !a.jumps && (s.Ended.Before(s.Created) || s.Started != nil && s.Ended.Before(*s.Started)):
		return fmt.Sprintf("its times: %v %v %v", s.Created, s.Started, s.Ended)
	case !a.lasted(x, s):
		return fmt.Sprintf("it has taken %v ms, of at most %s", value(s.Duration), time.Since(a.began))
	case (there[0].State == wire.StateRunning) != (s.Started != nil):
		return fmt.Sprintf("it began at %v, and its first event is %+v", s.Started, there[0])
	}
	var failed []wire.Event
	var out strings.Builder
	for _, e := range there {
		switch e.Type {
		case wire.EventError:
			failed = append(failed, e)
		case wire.EventStdout:
			out.WriteString(e.Text)
		}
	}
	switch {
	case (s.Status == wire.StatusOK) != (len(failed) == 0), len(failed) > 2, len(failed) == 2 && s.Status != wire.StatusDied:
		// What was struck between its code's error and its end has two.
		return fmt.Sprintf("it is %s, with %d errors", s.Status, len(failed))
	case len(failed) > 0 && !cmp.Equal(s.Error, &failed[len(failed)-1]):
		return fmt.Sprintf("another error is shown than there is: %s", cmp.Diff(s.Error, &failed[len(failed)-1]))
	}
	return a.reason(x, s, out.String())
}

// lasted reports whether its duration can be true.
func (a *account) lasted(x *asked, s shown) bool {
	took := time.Duration(value(s.Duration) * float64(time.Millisecond))
	least := time.Duration(0)
	if s.Status == wire.StatusTimeout {
		least = deedNamed(x.Deed).timeout
	}
	return took >= least && took <= time.Since(a.began)
}

// value is a number that may not be there.
func value(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

// whole wants the numbers from 1 on without a gap, and one end.
func whole(all []wire.Event) string {
	ends := 0
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			return fmt.Sprintf("event %d has the number %d", i+1, e.Seq)
		}
		if e.State == wire.StateDone {
			ends++
		}
		if e.State == wire.StateRunning && i > 0 {
			return "it begins more than once"
		}
	}
	if ends != 1 || all[len(all)-1].State != wire.StateDone {
		return fmt.Sprintf("of %d events %d are the end", len(all), ends)
	}
	return ""
}

// same wants what was seen to be the beginning of what is there.
func same(seen, there []wire.Event) string {
	if len(there) < len(seen) {
		return fmt.Sprintf("%d events were seen, %d are there", len(seen), len(there))
	}
	for i := range seen {
		if diff := cmp.Diff(seen[i], there[i]); diff != "" {
			return "what was seen is another now: " + diff
		}
	}
	return ""
}

// reason looks whether the end fits what was done.
func (a *account) reason(x *asked, s shown, out string) string {
	d := deedNamed(x.Deed)
	want := d.stdout(x.ID, x.N)
	from := s.Created
	if s.Started != nil {
		from = *s.Started
	}
	cause := &wire.Cause{}
	if s.Error != nil && s.Error.Cause != nil {
		cause = s.Error.Cause
	}
	fits, code := false, -1
	if cause.ExitCode != nil {
		code = *cause.ExitCode
	}
	switch cause.Reason {
	case "":
		fits = string(s.Status) == d.status
	case "timeout":
		fits = d.timeout > 0 && s.Status == wire.StatusTimeout
	case "interrupt":
		fits = d.wish && x.wishes > 0 && s.Status == wire.StatusInterrupted
	case "kernel_died":
		fits = s.Status == wire.StatusDied && (cause.Signal == "SIGKILL" && a.l.fits(from, *s.Ended, hitKernel, hitFirst, hitOther) ||
			x.Deed == "exit" && code == 7 || cause.Signal == "" && code == -1 && (a.l.fits(from, *s.Ended, hitFirst) ||
			a.l.fits(time.Time{}, *s.Ended, hitTemplate))) // who would have known how it ended was killed, perhaps long ago
	case "server_died":
		// Of one that nothing was in the way of nobody knows whether it had begun.
		begun := s.Started != nil || strings.Contains(s.Error.Value, "just about to run")
		fits = a.l.fits(from, *s.Ended, hitServer) && (s.Status == wire.StatusDied) == begun
	case "context_deleted":
		fits = a.l.deleted[s.Context]
	case "start_failed":
		fits = a.l.fits(s.Created, *s.Ended, hitTemplate, hitFirst, hitDescriptors)
	case "output_limit":
		fits = a.l.fits(from, *s.Ended, hitDisk)
	}
	if strings.HasSuffix(x.Language, "script") {
		out = own(x.ID, out)
	}
	complete := cause.Reason == "" || x.Deed == "exit" && code == 7
	switch {
	case !fits:
		return fmt.Sprintf("nothing was done to it that this is an account of: %s, %+v, from %s to %s", s.Status, s.Error, from, s.Ended)
	case complete && out != want, !strings.HasPrefix(want, out):
		return fmt.Sprintf("it printed %.200q instead of %.200q", out, want)
	}
	return ""
}

// own leaves out the lines of others: an interrupted cell of JavaScript that awaits
// something goes on when that comes, in the background.
func own(id, out string) string {
	var b strings.Builder
	for l := range strings.Lines(out) {
		if strings.HasPrefix(l, "c") && !strings.HasPrefix(l, id+" ") {
			continue
		}
		b.WriteString(l)
	}
	return b.String()
}

// strangers looks for executions that nobody has asked for.
func (a *account) strangers(commands map[string]shownCommand) {
	var all []shown
	if err := a.ask("/v1/executions", &all); err != nil {
		a.errorf("list executions: %v", err)
	}
	for _, s := range all {
		if a.l.asked[s.ID] == nil && s.ID != a.l.own {
			a.errorf("nobody has asked for the execution %s", s.ID)
		}
	}
	for mark := range commands {
		if a.l.asked[mark] == nil {
			a.errorf("nobody has asked for the command %s", mark)
		}
	}
}

// shownCommand is a command as the server tells of it.
type shownCommand struct {
	ID, Command, State, Status, Reason, Signal string
	Code                                       int     `json:"exit_code"`
	Duration                                   float64 `json:"duration_ms"`
	Created                                    time.Time
}

// commands are those that the server knows, by the marks in their texts.
func (a *account) commands() map[string]shownCommand {
	var all []shownCommand
	if err := a.ask("/v1/commands", &all); err != nil {
		a.errorf("list commands: %v", err)
	}
	out := map[string]shownCommand{}
	for _, c := range all {
		words := strings.Fields(c.Command)
		if len(words) < 2 {
			continue
		}
		if _, twice := out[words[1]]; twice {
			a.errorf("the command %s is there twice", words[1])
		}
		out[words[1]] = c
	}
	return out
}

// command takes account of one.
func (a *account) command(x *asked, c shownCommand) {
	if c.ID == "" {
		a.never(x, &client.Error{Status: http.StatusNotFound})
		return
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	resp, err := request(ctx, a.p.URL, a.p.Key, http.MethodGet, "/v1/commands/"+c.ID+"/events", nil)
	if err != nil {
		a.errorf("the command %s: %v", x.ID, err)
		return
	}
	defer resp.Body.Close()
	var there []wire.Event
	raw, err := io.ReadAll(resp.Body)
	for l := range strings.Lines(string(raw)) {
		if l = strings.TrimSpace(l); l != "" {
			e, derr := decodeCommand([]byte(l))
			there, err = append(there, e), errors.Join(err, derr)
		}
	}
	if err == nil {
		err = a.ask("/v1/commands/"+c.ID, &c) // after its end
	}
	why := whole(there)
	if err == nil && why == "" {
		why = same(x.seen, there)
	}
	var out strings.Builder
	for _, e := range there {
		if e.Type == wire.EventStdout {
			out.WriteString(e.Text)
		}
	}
	end := time.Now()
	fits := map[string]bool{
		"exited":   c.Code == 0 && out.String() == counted(x.ID, 2) || c.Code == 137 && a.l.fits(c.Created, end, hitOther),
		"signaled": c.Signal == "SIGKILL" && a.l.fits(c.Created, end, hitOther, hitFirst),
		"ended":    strings.Contains(c.Reason, "the server died") && a.l.fits(c.Created, end, hitServer) || a.l.fits(c.Created, end, hitDisk, hitFirst),
	}[c.Status]
	took := time.Duration(c.Duration * float64(time.Millisecond))
	if err != nil || why != "" || c.State != "done" || took < 0 || took > time.Since(a.began) || !fits && !slices.Contains([]string{}, c.Status) {
		a.errorf("the command %s: %v %s %+v %q", x.ID, err, why, c, raw)
	}
	a.outcome["command "+strings.TrimSpace(c.Status+" "+c.Signal)]++
}
