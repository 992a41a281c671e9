package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/clock"
	"hotcell/keys"
)

func open(t *testing.T, cfg keys.Config) *keys.Store {
	t.Helper()
	s, err := keys.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func create(t *testing.T, s *keys.Store, spec keys.Spec) (*keys.Key, string) {
	t.Helper()
	info, text, err := s.Create(spec)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Find(text)
	if err != nil || k.ID != info.ID {
		t.Fatalf("the new key isn't found: %v", err)
	}
	return k, text
}

// What is in the file is enough to know a key again, and not enough to be one.
func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, keys.Config{Dir: dir, First: "first"})
	spec := keys.Spec{
		Name: "ci", Scope: keys.Run, Sandboxes: []string{"a", "b"}, Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
		Limits: keys.Limits{Rate: keys.Rate{Count: 5, Per: time.Minute}, Executions: 2, Sockets: -1},
	}
	_, text := create(t, s, spec)
	path := filepath.Join(dir, keys.FileName)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if secret := text[strings.LastIndex(text, "_")+1:]; len(secret) != 48 || strings.Contains(string(raw), secret) {
		t.Errorf("the secret %q is in the file, or short", secret)
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %#o", st.Mode().Perm())
	}
	again := open(t, keys.Config{Dir: dir, First: "first"})
	k, err := again.Find(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spec, k.Spec); diff != "" {
		t.Error(diff)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	s := open(t, keys.Config{First: "first"})
	k, text := create(t, s, keys.Spec{Name: "a", Scope: keys.Read})
	_, other := create(t, s, keys.Spec{Name: "b", Scope: keys.Admin})
	for wrong, try := range map[string]string{
		"nothing": "", "the name": "a", "the id": k.ID, "cut": text[:len(text)-1], "longer": text + "0",
		"another's secret": text[:len("hc_")+12] + other[len("hc_")+12:], "upper case": strings.ToUpper(text),
	} {
		if _, err := s.Find(try); !errors.Is(err, keys.ErrUnknown) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if first, err := s.Find("first"); err != nil || first.Scope != keys.Admin || first.ID != "" {
		t.Errorf("the first key: %v", err)
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	s := open(t, keys.Config{})
	create(t, s, keys.Spec{Name: "taken", Scope: keys.Read})
	for name, spec := range map[string]keys.Spec{
		"no name":          {Scope: keys.Read},
		"a blank":          {Name: "a b", Scope: keys.Read},
		"an id":            {Name: "0123456789ab", Scope: keys.Read},
		"the first":        {Name: keys.FirstName, Scope: keys.Read},
		"no scope":         {Name: "a"},
		"over":             {Name: "a", Scope: keys.Read, Expires: time.Now().Add(-time.Second)},
		"a nameless place": {Name: "a", Scope: keys.Read, Sandboxes: []string{""}},
		"a taken name":     {Name: "taken", Scope: keys.Read},
	} {
		if _, _, err := s.Create(spec); !errors.Is(err, keys.ErrInvalid) && !errors.Is(err, keys.ErrNameTaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that somebody else may have written, or that is broken, is not passed over.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"half":            {`{"version":1,"keys":[`, 0o600, "cannot be read"},
		"open to others":  {`{"version":1,"keys":[]}`, 0o644, "chmod 600"},
		"of another time": {`{"version":2,"keys":[]}`, 0o600, "version 2"},
		"without a hash":  {`{"version":1,"keys":[{"id":"0123456789ab","name":"a","scope":"run"}]}`, 0o600, `"a"`},
		"without a scope": {`{"version":1,"keys":[{"id":"0123456789ab","name":"a","sha256":"` + strings.Repeat("0", 64) + `"}]}`, 0o600, `"a"`},
		"a strange scope": {`{"version":1,"keys":[{"id":"0123456789ab","name":"a","scope":"root"}]}`, 0o600, "no scope"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, keys.FileName)
		if err := errors.Join(os.WriteFile(path, []byte(f.content), f.mode), os.Chmod(path, f.mode)); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Open(keys.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, keys.Config{Dir: dir, First: "first"})
	k, text := create(t, s, keys.Spec{Name: "a", Scope: keys.Run})
	lease, err := k.Begin()
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	lease.OnEnd(func(cause error) { told <- cause })
	if _, err := s.Revoke("a"); err != nil {
		t.Fatal(err)
	}
	var ended *keys.EndedError
	if err := <-told; !errors.As(err, &ended) || ended.Expired || err.Error() != `the key "a" was revoked` {
		t.Errorf("told %v", err)
	}
	if _, err := s.Find(text); !errors.Is(err, keys.ErrUnknown) {
		t.Errorf("it is found: %v", err)
	}
	if _, err := k.Begin(); !errors.As(err, &ended) {
		t.Errorf("it begins something: %v", err)
	}
	if _, err := s.Revoke("a"); !errors.Is(err, keys.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if _, err := s.Revoke(keys.FirstName); !errors.Is(err, keys.ErrFirst) {
		t.Errorf("the first: %v", err)
	}
	if _, err := open(t, keys.Config{Dir: dir}).Find(text); !errors.Is(err, keys.ErrUnknown) {
		t.Errorf("it is in the file: %v", err)
	}
}

// Changes at once all happen, whichever comes first.
func TestChangesAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, keys.Config{Dir: dir})
	create(t, s, keys.Spec{Name: "old", Scope: keys.Read})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, _, err := s.Create(keys.Spec{Name: fmt.Sprint("k", i), Scope: keys.Read}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() { _, _ = s.Revoke("old") })
	wg.Wait()
	if n := len(open(t, keys.Config{Dir: dir}).List()); n != 20 {
		t.Errorf("%d keys are in the file", n)
	}
}

// A key ends by itself, on time, and far ahead too.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{time.Minute, 90 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := keys.Open(keys.Config{})
			defer s.Close()
			k, text := create(t, s, keys.Spec{Name: "a", Scope: keys.Run, Expires: time.Now().Add(life)})
			time.Sleep(life - time.Nanosecond)
			synctest.Wait()
			if _, err := s.Find(text); err != nil || k.Context().Err() != nil {
				t.Errorf("%s: too early: %v", life, err)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			var ended *keys.EndedError
			if _, err := s.Find(text); !errors.As(err, &ended) || !ended.Expired {
				t.Errorf("%s: %v", life, err)
			}
			if !errors.As(context.Cause(k.Context()), &ended) {
				t.Errorf("%s: its context goes on", life)
			}
			if list := s.List(); len(list) != 1 || !list[0].Expired(time.Now()) {
				t.Errorf("%s: listed as %+v", life, list)
			}
		})
	}
}

// A clock that is set forward ends a key at its next use, or once that is told.
func TestClock(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*keys.Store, *keys.Key, string) error{
		"a request":             func(s *keys.Store, _ *keys.Key, text string) error { _, err := s.Find(text); return err },
		"a token":               func(s *keys.Store, k *keys.Key, _ string) error { _, err := s.Holder(k.ID); return err },
		"a message on a socket": func(_ *keys.Store, k *keys.Key, _ string) error { return k.Allow() },
		"an execution on it":    func(_ *keys.Store, k *keys.Key, _ string) error { _, err := k.Begin(); return err },
		"nothing but the clock": func(s *keys.Store, k *keys.Key, _ string) error { s.ClockSet(); return context.Cause(k.Context()) },
	} {
		var c clock.Clock
		s := open(t, keys.Config{Now: c.Now})
		k, text := create(t, s, keys.Spec{Name: "a", Scope: keys.Run, Expires: c.Now().Add(time.Hour)})
		c.Set(-365 * 24 * time.Hour)
		if err := use(s, k, text); err != nil {
			t.Errorf("%s: set back: %v", name, err)
		}
		c.Set(time.Hour)
		var ended *keys.EndedError
		if err := use(s, k, text); !errors.As(err, &ended) || !ended.Expired || k.Context().Err() == nil {
			t.Errorf("%s: it goes on: %v", name, err)
		}
	}
}

// TestRateClock: how often a key may ask doesn't depend on what the clock is set to.
func TestRateClock(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	s := open(t, keys.Config{Now: c.Now, Limits: keys.Limits{Rate: keys.Rate{Count: 10, Per: time.Hour}}})
	k, _ := create(t, s, keys.Spec{Name: "a", Scope: keys.Run})
	const year = 365 * 24 * time.Hour
	jumps := []time.Duration{time.Hour, -time.Hour, year, -year, 0}
	for range 2 {
		for _, by := range jumps {
			c.Set(by)
			if err := k.Allow(); err != nil {
				t.Errorf("%s: %v", by, err)
			}
		}
	}
	for _, by := range jumps {
		c.Set(by)
		var limit *keys.LimitError
		if err := k.Allow(); !errors.As(err, &limit) || limit.After > 6*time.Minute {
			t.Errorf("%s: one more: %v", by, err)
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := keys.Open(keys.Config{Limits: keys.Limits{Rate: keys.Rate{Count: 10, Per: time.Second}}})
		defer s.Close()
		usual, _ := create(t, s, keys.Spec{Name: "usual", Scope: keys.Run})
		free, _ := create(t, s, keys.Spec{Name: "free", Scope: keys.Run, Limits: keys.Limits{Rate: keys.Rate{Per: time.Second}}})
		for range 10 {
			if err := errors.Join(usual.Allow(), free.Allow()); err != nil {
				t.Fatal(err)
			}
		}
		var limit *keys.LimitError
		if err := usual.Allow(); !errors.As(err, &limit) || limit.After != 100*time.Millisecond || limit.Name != "usual" || limit.Limit != keys.LimitRate {
			t.Errorf("%v", err)
		}
		if err := free.Allow(); err != nil {
			t.Error(err)
		}
		time.Sleep(100 * time.Millisecond)
		if err := usual.Allow(); err != nil {
			t.Error(err)
		}
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	s := open(t, keys.Config{Limits: keys.Limits{Executions: 1, Sockets: 1}})
	k, _ := create(t, s, keys.Spec{Name: "a", Scope: keys.Run})
	lease, err := k.Begin()
	release, err2 := k.OpenSocket()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	var limit *keys.LimitError
	if _, err := k.Begin(); !errors.As(err, &limit) || limit.Limit != keys.LimitExecutions {
		t.Errorf("a second execution: %v", err)
	}
	if _, err := k.OpenSocket(); !errors.As(err, &limit) || limit.Limit != keys.LimitSockets {
		t.Errorf("a second socket: %v", err)
	}
	lease.Release()
	lease.Release()
	release()
	release()
	for range 2 { // twice given back is once
		_, err = k.Begin()
		_, err2 = k.OpenSocket()
	}
	if err == nil || err2 == nil {
		t.Errorf("more than one each: %v, %v", err, err2)
	}
}

func TestRateWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"50/s": "50/s", "100/m": "100/m", "1/h": "1/h", "none": "none", "": "",
		"0/s": "!", "5": "!", "5/d": "!", "-1/s": "!", "x/s": "!", "9999999/s": "!",
	} {
		var r keys.Rate
		got := "!"
		if err := r.UnmarshalText([]byte(text)); err == nil {
			raw, _ := json.Marshal(r)
			got = strings.Trim(string(raw), `"`)
		}
		if got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
