package sandboxes_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/sandboxes"
)

// TestBerths: what was prepared is taken by the next sandbox, and by no other.
func TestBerths(t *testing.T) {
	t.Parallel()
	var (
		dir     = t.TempDir()
		ready   []sandboxes.Berth
		ended   []string
		refusal = errors.New("not this time")
	)
	opts := sandboxes.Options{
		Berth: func() (sandboxes.Berth, bool) {
			if len(ready) == 0 {
				return sandboxes.Berth{}, false
			}
			b := ready[0]
			ready = ready[1:]
			return b, true
		},
		End: func(_ context.Context, id string) error { ended = append(ended, id); return refusal },
	}
	r, err := sandboxes.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Lookup(first.ID); !errors.Is(err, sandboxes.ErrNotFound) {
		t.Errorf("a berth is a sandbox: %v", err)
	}
	ready = []sandboxes.Berth{first}
	sb, err := r.Create(sandboxes.Spec{Name: "a"})
	if err != nil || sb.ID != first.ID || sb.UID != first.UID {
		t.Errorf("%+v is not %+v: %v", sb, first, err)
	}
	second, err := r.Create(sandboxes.Spec{})
	if err != nil || second.ID == first.ID || second.UID == first.UID {
		t.Errorf("%+v: %v", second, err)
	}
	// A name that is taken uses nothing up.
	third, err := r.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	ready = []sandboxes.Berth{third}
	if _, err := r.Create(sandboxes.Spec{Name: "a"}); !errors.Is(err, sandboxes.ErrNameTaken) || len(ready) != 1 {
		t.Errorf("%v, and %d are left", err, len(ready))
	}
	if _, err := r.Create(sandboxes.Spec{Name: "/"}); !errors.Is(err, sandboxes.ErrInvalid) || len(ready) != 1 {
		t.Errorf("%v, and %d are left", err, len(ready))
	}
	fourth, err := r.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	r.Discard(fourth.ID)
	fifth, err := r.Prepare() // which nobody takes before the server is gone
	if err != nil {
		t.Fatal(err)
	}
	// Something of somebody's: it is not removed.
	odd := filepath.Join(dir, "sandboxes", "odd", "work")
	if err := os.MkdirAll(filepath.Join(odd, "something"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// What could not be used is ended, and gone.
	if _, err := r.Create(sandboxes.Spec{}); !errors.Is(err, sandboxes.ErrClosed) || !errors.Is(err, refusal) || !slices.Equal(ended, []string{third.ID}) {
		t.Errorf("%v, ended: %v", err, ended)
	}
	again, err := sandboxes.Open(dir, sandboxes.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	var left []string
	entries, err := os.ReadDir(filepath.Join(dir, "sandboxes"))
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"default", "odd", first.ID, second.ID}
	slices.Sort(left)
	slices.Sort(want)
	if d := cmp.Diff(want, left); d != "" || err != nil {
		t.Errorf("of %s and %s: %v, %s", fourth.ID, fifth.ID, err, d)
	}
}
