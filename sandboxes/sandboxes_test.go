package sandboxes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"hotcell/sandboxes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, o sandboxes.Options) *sandboxes.Registry {
	t.Helper()
	r, err := sandboxes.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func create(t *testing.T, r *sandboxes.Registry, s sandboxes.Spec) sandboxes.Sandbox {
	t.Helper()
	sb, err := r.Create(s)
	if err != nil {
		t.Fatal(err)
	}
	return sb
}

func spec(name string) sandboxes.Spec {
	return sandboxes.Spec{Name: name, Intervals: sandboxes.Intervals{AutoDelete: -1}}
}

func TestRecordsSurvive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := open(t, dir, sandboxes.Options{})
	want := spec("a")
	want.Env, want.Labels, want.TTL = map[string]string{"A": "ä\n"}, map[string]string{"l": ""}, 1000
	a := create(t, r, want)
	b := create(t, r, spec(""))
	if _, err := r.Stop(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetLabels(t.Context(), "a", map[string]string{"new": "1"}); err != nil {
		t.Fatal(err)
	}
	token, err := r.Token("a")
	if err != nil {
		t.Fatal(err)
	}
	before := r.All()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Create(spec("late")); !errors.Is(err, sandboxes.ErrClosed) {
		t.Errorf("create after close: %v", err)
	}

	again := open(t, dir, sandboxes.Options{})
	moment := cmp.Comparer(func(a, b time.Time) bool { return a.Round(0).Equal(b.Round(0)) })
	if diff := cmp.Diff(before, again.All(), moment); diff != "" {
		t.Errorf("records changed (-before +after):\n%s", diff)
	}
	if id, _, ok := again.Opens(token); !ok || id != a.ID {
		t.Errorf("the token opens %q %t", id, ok)
	}
	info, err := os.Stat(filepath.Join(dir, "sandboxes", a.ID, "record.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the record's mode is %v %v", info.Mode(), err)
	}
	if st, err := os.Stat(again.WorkDir(a.ID)); err != nil || !st.IsDir() {
		t.Errorf("work directory: %v", err)
	}
}

func TestBrokenRecords(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty":             "",
		"half":              `{"name": "x", "id"`,
		"not an object":     `[]`,
		"of another":        `{"id":"other","name":"x","state":"started","previewToken":"` + strings.Repeat("x", 43) + `"}`,
		"unknown state":     `{"id":"ID","name":"x","state":"weird","previewToken":"` + strings.Repeat("x", 43) + `"}`,
		"no token":          `{"id":"ID","name":"x","state":"started"}`,
		"impossible times":  `{"id":"ID","name":"x","state":"started","autoStop":-7,"previewToken":"` + strings.Repeat("x", 43) + `"}`,
		"the built-in name": `{"id":"ID","name":"default","state":"started","previewToken":"` + strings.Repeat("x", 43) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := open(t, dir, sandboxes.Options{})
			good := create(t, r, spec("good"))
			bad := create(t, r, spec("bad"))
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "sandboxes", bad.ID, "record.json")
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "ID", bad.ID)), 0o600); err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			again := open(t, dir, sandboxes.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if _, err := again.Lookup(good.ID); err != nil {
				t.Errorf("the good one: %v", err)
			}
			if _, err := again.Lookup(bad.ID); !errors.Is(err, sandboxes.ErrNotFound) {
				t.Errorf("the bad one: %v", err)
			}
			if _, err := os.Stat(path + ".unreadable"); err != nil {
				t.Errorf("it isn't set aside: %v", err)
			}
			if !strings.Contains(log.String(), bad.ID) {
				t.Errorf("the log doesn't say which: %s", log.String())
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	r := open(t, t.TempDir(), sandboxes.Options{})
	a := create(t, r, spec("a"))
	for _, name := range []string{"a", sandboxes.DefaultID, a.ID} {
		if _, err := r.Create(spec(name)); !errors.Is(err, sandboxes.ErrNameTaken) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a/b", "..", "paginated", " x", "x\n", strings.Repeat("x", 129), "\xff"} {
		if _, err := r.Create(spec(name)); !errors.Is(err, sandboxes.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := r.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Lookup("a"); !errors.Is(err, sandboxes.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(r.WorkDir(a.ID))); !os.IsNotExist(err) {
		t.Errorf("the files are still there: %v", err)
	}
	create(t, r, spec("a"))
	if _, err := r.Delete(t.Context(), sandboxes.DefaultID); !errors.Is(err, sandboxes.ErrBuiltIn) {
		t.Errorf("default: %v", err)
	}
}

// TestEverythingAtOnce is for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ended := map[string]int{}
	r := open(t, t.TempDir(), sandboxes.Options{End: func(_ context.Context, id string) error {
		mu.Lock()
		defer mu.Unlock()
		ended[id]++
		return nil
	}})
	watch := r.Watch()
	defer watch.Close()
	var wg sync.WaitGroup
	made := make(chan string, 64)
	for i := range 8 {
		wg.Go(func() {
			for j := range 4 {
				sb, err := r.Create(spec(fmt.Sprintf("box-%d-%d", i, j)))
				if err != nil {
					t.Error(err)
					return
				}
				made <- sb.ID
				_, err = r.SetLabels(t.Context(), sb.ID, map[string]string{"i": fmt.Sprint(i)})
				if err != nil {
					t.Error(err)
				}
				r.All()
				_ = r.Touch(sb.ID)
			}
		})
		wg.Go(func() {
			// One name, many takers: exactly one gets it.
			if _, err := r.Create(spec("contested")); err != nil && !errors.Is(err, sandboxes.ErrNameTaken) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(made)
	for id := range made {
		for range 3 { // of several deletions of one sandbox, one succeeds
			wg.Go(func() {
				if _, err := r.Delete(t.Context(), id); err != nil && !errors.Is(err, sandboxes.ErrNotFound) {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if got := len(r.All()); got != 2 {
		t.Errorf("%d sandboxes are left, want the default and the contested one", got)
	}
	for id, n := range ended {
		if n != 1 {
			t.Errorf("%s was ended %d times", id, n)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	r := open(t, t.TempDir(), sandboxes.Options{Now: func() time.Time { return now }})
	a, b := create(t, r, spec("a")), create(t, r, spec("b"))
	ta, _ := r.Token(a.ID)
	tb, _ := r.Token(b.ID)
	signed, err := r.SignedToken("a", now.Add(time.Minute), "")
	if err != nil || ta == tb {
		t.Fatal(ta, tb, err)
	}
	expired, _ := r.SignedToken("a", now, "")
	for token, want := range map[string]string{
		ta: a.ID, tb: b.ID, signed: a.ID, expired: "", "": "", ta[:42]: "", ta + "x": "", "default": "", "..": "",
		strings.Replace(signed, a.ID, b.ID, 1): "", signed + "A": "", a.ID + ".99999999999.": "",
	} {
		if id, _, ok := r.Opens(token); ok != (want != "") || (ok && id != want) {
			t.Errorf("%q opens %q %t, want %q", token, id, ok, want)
		}
	}
	if _, err := r.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := r.Opens(ta); ok {
		t.Error("the token outlives its sandbox")
	}
}

func TestSlowWatcherIsDropped(t *testing.T) {
	t.Parallel()
	r := open(t, t.TempDir(), sandboxes.Options{})
	watch := r.Watch()
	defer watch.Close()
	for range 150 {
		for _, change := range []func(context.Context, string) (sandboxes.Sandbox, error){r.Stop, r.Start} {
			if _, err := change(t.Context(), sandboxes.DefaultID); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := 0
	for range watch.Events() {
		n++
	}
	if n != 256 {
		t.Errorf("%d events before the end", n)
	}
}

// TestIntervals runs on a clock of its own.
func TestIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy sync.Map
		var mu sync.Mutex
		var expired []string
		r, err := sandboxes.Open(t.TempDir(), sandboxes.Options{
			Expired: func(sb sandboxes.Sandbox, deleted bool) {
				mu.Lock()
				defer mu.Unlock()
				expired = append(expired, fmt.Sprint(sb.Name, " ", deleted))
			},
			Busy: func(id string) bool { _, ok := busy.Load(id); return ok },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		interval := func(name string, i sandboxes.Intervals) string {
			return create(t, r, sandboxes.Spec{Name: name, Intervals: i}).ID
		}
		idle := interval("idle", sandboxes.Intervals{AutoStop: 10, AutoDelete: -1})
		working := interval("working", sandboxes.Intervals{AutoStop: 10, AutoDelete: -1})
		used := interval("used", sandboxes.Intervals{AutoStop: 10, AutoDelete: 5})
		interval("short", sandboxes.Intervals{TTL: 15, AutoDelete: -1})
		interval("ephemeral", sandboxes.Intervals{AutoDelete: 0})
		busy.Store(working, true)

		state := func(name string) string {
			sb, err := r.Lookup(name)
			if err != nil {
				return "gone"
			}
			return string(sb.State)
		}
		check := func(want map[string]string) {
			t.Helper()
			synctest.Wait()
			got := map[string]string{}
			for name := range want {
				got[name] = state(name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", time.Since(start(t, r)), diff)
			}
		}
		time.Sleep(9 * time.Minute)
		if _, err := r.Enter(used); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Stop(t.Context(), "ephemeral"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second) // 10:30
		check(map[string]string{"idle": "stopped", "working": "started", "used": "started", "short": "started", "ephemeral": "gone", "default": "started"})
		if _, err := r.Start(t.Context(), idle); err != nil {
			t.Fatal(err)
		}
		busy.Delete(working)
		time.Sleep(9 * time.Minute) // 19:30
		check(map[string]string{"idle": "started", "working": "started", "used": "stopped", "short": "gone"})
		mu.Lock()
		told := slices.Clone(expired)
		mu.Unlock()
		if diff := cmp.Diff([]string{"idle false", "ephemeral true", "short true", "used false"}, told, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("expired (-want +got):\n%s", diff)
		}
		time.Sleep(6 * time.Minute) // 25:30
		check(map[string]string{"idle": "stopped", "working": "stopped", "used": "gone", "default": "started"})
	})
}

// start is when the default sandbox was made, which is when the test began.
func start(t *testing.T, r *sandboxes.Registry) time.Time {
	t.Helper()
	sb, err := r.Lookup(sandboxes.DefaultID)
	if err != nil {
		t.Fatal(err)
	}
	return sb.Created
}

// TestBoundsOfAll are times that no sandbox but the default one can exceed.
func TestBoundsOfAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := sandboxes.Open(t.TempDir(), sandboxes.Options{Idle: 10 * time.Minute, Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		never := create(t, r, sandboxes.Spec{Name: "never", Intervals: sandboxes.Intervals{AutoDelete: -1}}).ID
		later := create(t, r, sandboxes.Spec{Name: "later", Intervals: sandboxes.Intervals{AutoStop: 30, TTL: 90, AutoDelete: -1}}).ID
		sooner := create(t, r, sandboxes.Spec{Name: "sooner", Intervals: sandboxes.Intervals{AutoStop: 5, AutoDelete: -1}}).ID
		for _, step := range []struct {
			after time.Duration
			want  map[string]sandboxes.State
		}{
			{6 * time.Minute, map[string]sandboxes.State{never: sandboxes.Started, later: sandboxes.Started, sooner: sandboxes.Stopped}},
			{5 * time.Minute, map[string]sandboxes.State{never: sandboxes.Stopped, later: sandboxes.Stopped}},
			{50 * time.Minute, map[string]sandboxes.State{never: "", later: "", sandboxes.DefaultID: sandboxes.Started}},
		} {
			time.Sleep(step.after)
			synctest.Wait()
			for id, want := range step.want {
				if sb, _ := r.Lookup(id); sb.State != want {
					t.Errorf("%s is %q, want %q", id, sb.State, want)
				}
			}
		}
	})
}
