package clock_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/sandboxes"
)

// account wants each execution to have ended as its code says, in a time that can be true.
func (b *book) account(t *testing.T, s *testserver.Server, longest time.Duration) {
	t.Helper()
	all := map[string]shown{}
	var order []string
	for _, x := range listed(t, s) {
		all[x.ID] = x
		order = append(order, x.ID)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	total, outcomes := 0, map[wire.Status]int{}
	for _, in := range b.asked {
		last := len(order)
		for _, a := range in {
			total++
			x := all[a.id]
			at := slices.Index(order, a.id)
			switch {
			case x.State != wire.StateDone || x.Status != a.deed.status:
				t.Errorf("%s is %s %s, want %s", a.id, x.State, x.Status, a.deed.status)
			case x.took() <= 0 || x.took() > a.took || x.Status == wire.StatusTimeout && (x.took() < limit || x.took() > limit+20*time.Second):
				t.Errorf("%s (%s) has taken %s, of %s", a.id, x.Status, x.took(), a.took)
			case a.out != a.deed.out:
				t.Errorf("%s (%s) has printed %q", a.id, x.Status, a.out)
			case at > last:
				t.Errorf("%s is listed as older than what was asked for before it", a.id)
			}
			outcomes[x.Status]++
			last = at
		}
	}
	if total != len(all) {
		t.Errorf("%d executions were asked for, %d are there", total, len(all))
	}
	for _, r := range b.records {
		if r.Waited < 0 || r.Took < 0 || r.First < 0 || r.Waited+r.Took > longest || r.First > longest {
			t.Errorf("%s %s %s: waited %s, took %s, the first event after %s", r.Kind, r.Action, r.ID, r.Waited, r.Took, r.First)
		}
		if r.Outcome == activity.Refused || r.Kind == activity.Login {
			t.Errorf("refused: %+v", r)
		}
	}
	t.Logf("%d executions: %v", total, outcomes)
	if len(outcomes) != len(deeds()) {
		t.Error("not everything was tried")
	}
}

// ordered wants what is listed as the oldest first to be that.
func ordered(t *testing.T, s *testserver.Server, names []string, where contexts.Options) {
	t.Helper()
	var got []string
	for _, sb := range s.Sandboxes.All() {
		if slices.Contains(names, sb.Name) {
			got = append(got, sb.Name)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("the sandboxes are %v, oldest first; they were made as %v", got, names)
	}
	var ids []string
	for range 3 {
		e, err := s.Contexts.Create(t.Context(), sandboxes.DefaultID, where)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID())
	}
	var listed []string
	for _, e := range s.Contexts.List(sandboxes.DefaultID) {
		listed = append(listed, e.ID())
	}
	if n := len(listed) - len(ids); n < 0 || !slices.Equal(listed[n:], ids) {
		t.Errorf("the newest contexts are %v of %v", ids, listed)
	}
}

// audited reads the audit log: whole, in order, and no duration is one that can't be.
func audited(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last, runs := uint64(0), 0
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var e struct {
			Seq      uint64
			Kind     string
			Queued   float64 `json:"queued_ms"`
			Duration float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if most := float64(patience.Milliseconds()); e.Seq != last+1 || e.Queued < 0 || e.Duration < 0 || e.Queued > most || e.Duration > most {
			t.Errorf("after entry %d: %s", last, lines.Text())
		}
		if last = e.Seq; strings.HasPrefix(e.Kind, "exec") {
			runs++
		}
	}
	if runs == 0 {
		t.Error("no execution is in the audit log")
	}
}
