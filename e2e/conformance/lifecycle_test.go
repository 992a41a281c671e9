package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
	"hotcell/handlers/native/client"
)

// phrase is how a language says what the tests of lives need.
type phrase struct {
	setup   string // makes n, which is 0, and whatever the others use
	count   string // adds 1 to n and prints it
	blocked string // prints "in" and never ends
	exits   string // ends the kernel
}

func phrases() map[string]phrase {
	return map[string]phrase{
		"python":     {"n = 0\nimport os", "n += 1\nprint(n)", "print('in')\nwhile True: pass", "os._exit(1)"},
		"javascript": {"let n = 0", "console.log(++n)", "console.log('in'); for (;;);", "process.abort()"},
		"typescript": {"let n: number = 0", "console.log(++n as number)", "console.log('in'); for (;;);", "process.abort()"},
		"go":         {"import (\"fmt\"; \"os\")\nn := 0", "n++\nfmt.Println(n)", "fmt.Println(\"in\")\nfor {}", "os.Exit(1)"},
	}
}

// speaking is a test in one language.
type speaking struct {
	t        *testing.T
	s        *testserver.Server
	language string
	p        phrase
}

// eachLanguage runs a test in all of them, with a server of its own.
func eachLanguage(t *testing.T, test func(in speaking)) {
	t.Helper()
	t.Parallel()
	s := testserver.Start(t)
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			test(speaking{t, s, language, phrases()[language]})
		})
	}
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func start(ctx context.Context, t *testing.T, cx clients.Context, code string) *clients.Run {
	t.Helper()
	r, err := cx.Start(ctx, clients.Cell{Code: code})
	if err != nil {
		t.Fatalf("start %q: %v", code, err)
	}
	return r
}

func finish(ctx context.Context, t *testing.T, r *clients.Run) clients.Outcome {
	t.Helper()
	o, err := r.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// succeed runs a cell that must print out.
func succeed(ctx context.Context, t *testing.T, cx clients.Context, code, out string) {
	t.Helper()
	if o := finish(ctx, t, start(ctx, t, cx, code)); o.Status != "ok" || o.Stdout() != out {
		t.Errorf("%q: want %q\ngot %s", code, out, o)
	}
}

func native(s *testserver.Server) *clients.Native { return &clients.Native{URL: s.URL, Key: s.Key} }

// TestQueueOrder sends runs without waiting; they run in that order, and one
// that is taken back while it waits does not.
func TestQueueOrder(t *testing.T) {
	eachLanguage(t, func(in speaking) {
		t, s, language, p := in.t, in.s, in.language, in.p
		ctx := limited(t)
		cx := open(t, native(s), clients.Options{Language: language}).(clients.Controlled)
		succeed(ctx, t, cx, p.setup, "")
		first := start(ctx, t, cx, p.blocked)
		var runs []*clients.Run
		for range 20 {
			runs = append(runs, start(ctx, t, cx, p.count))
		}
		if err := cx.Interrupt(ctx, runs[5]); err != nil {
			t.Fatal(err)
		}
		if o := finish(ctx, t, runs[5]); o.Status != "cancelled" || o.Error == nil || o.Stdout() != "" {
			t.Errorf("the one that was taken back: %s", o)
		}
		if err := first.Until(ctx, "in"); err != nil {
			t.Fatal(err)
		}
		if err := cx.Interrupt(ctx, first); err != nil {
			t.Fatal(err)
		}
		if o := finish(ctx, t, first); o.Status != "interrupted" {
			t.Errorf("the first: %s", o)
		}
		n := 0
		for i, r := range runs {
			if i == 5 {
				continue
			}
			n++
			if o := finish(ctx, t, r); o.Stdout() != fmt.Sprintln(n) || o.Status != "ok" {
				t.Errorf("run %d: %s", i, o)
			}
		}
	})
}

// TestDaytonaQueue sends runs on sockets of their own, whose order nobody
// promises; each runs alone.
func TestDaytonaQueue(t *testing.T) {
	eachLanguage(t, func(in speaking) {
		t, s, language, p := in.t, in.s, in.language, in.p
		ctx := limited(t)
		cx := open(t, inSandbox(t, s, language), clients.Options{Language: language})
		succeed(ctx, t, cx, p.setup, "")
		var runs []*clients.Run
		for range 20 {
			runs = append(runs, start(ctx, t, cx, p.count))
		}
		seen := map[string]bool{}
		for _, r := range runs {
			o := finish(ctx, t, r)
			if o.Status != "ok" || seen[o.Stdout()] {
				t.Errorf("%s", o)
			}
			seen[o.Stdout()] = true
		}
	})
}

// TestRestart ends what runs and waits, and begins anew.
func TestRestart(t *testing.T) {
	eachLanguage(t, func(in speaking) {
		t, s, language, p := in.t, in.s, in.language, in.p
		ctx := limited(t)
		cx := open(t, native(s), clients.Options{Language: language}).(clients.Controlled)
		succeed(ctx, t, cx, p.setup, "")
		running, queued := start(ctx, t, cx, p.blocked), start(ctx, t, cx, p.count)
		if err := running.Until(ctx, "in"); err != nil {
			t.Fatal(err)
		}
		if err := cx.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*clients.Run{running, queued} {
			if o := finish(ctx, t, r); o.Status != "cancelled" || o.Error == nil || o.Error.Name != "ContextRestartedError" {
				t.Errorf("%s", o)
			}
		}
		if n, err := cx.Epoch(ctx); err != nil || n != 2 {
			t.Errorf("epoch %d %v", n, err)
		}
		if o := finish(ctx, t, start(ctx, t, cx, p.count)); o.Status != "error" {
			t.Errorf("n is still there: %s", o)
		}
		succeed(ctx, t, cx, p.setup, "")
		succeed(ctx, t, cx, p.count, "1\n")
	})
}

// TestDefaultContext is there without being made, keeps its variables, is in
// no list, and cannot be deleted.
func TestDefaultContext(t *testing.T) {
	eachLanguage(t, func(in speaking) {
		t, s, language, p := in.t, in.s, in.language, in.p
		ctx := limited(t)
		d := inSandbox(t, s, language)
		for _, id := range []string{"", "default"} {
			succeed(ctx, t, d.Attach(id), p.setup, "")
			succeed(ctx, t, d.Attach(id), p.count, "1\n")
			succeed(ctx, t, d.Attach(""), p.count, "2\n")
		}
		var status *clients.StatusError
		if err := d.Attach("default").Delete(ctx); !errors.As(err, &status) || status.Status != 400 {
			t.Errorf("delete: %v", err)
		}
		if n := len(s.Contexts.List(d.Sandbox)); n != 0 {
			t.Errorf("%d contexts in the list", n)
		}
		// It also outlives the death of its kernel.
		if o := finish(ctx, t, start(ctx, t, d.Attach(""), p.exits)); o.Status != "died" {
			t.Errorf("%s", o)
		}
		if o := finish(ctx, t, start(ctx, t, d.Attach(""), p.setup)); o.Status != "ok" || !strings.Contains(o.Stderr(), "new "+language) {
			t.Errorf("%s", o)
		}
	})
}

// TestDeletion ends 140 runs at once, each with the reason.
func TestDeletion(t *testing.T) {
	eachLanguage(t, func(in speaking) {
		t, s, language, p := in.t, in.s, in.language, in.p
		for _, c := range []clients.Client{native(s), inSandbox(t, s, language)} {
			t.Run(c.Name(), func(t *testing.T) {
				ctx := limited(t)
				cx := open(t, c, clients.Options{Language: language})
				other := open(t, c, clients.Options{Language: language})
				succeed(ctx, t, cx, p.setup, "")
				runs := []*clients.Run{start(ctx, t, cx, p.blocked)}
				if err := runs[0].Until(ctx, "in"); err != nil {
					t.Fatal(err)
				}
				for range 139 {
					runs = append(runs, start(ctx, t, cx, p.count))
				}
				began := time.Now()
				deleted := make(chan error, 1)
				go func() { deleted <- s.Contexts.Delete(ctx, ownerOf(s, cx.ID()), cx.ID()) }()
				succeed(ctx, t, other, p.setup, "")
				succeed(ctx, t, other, p.count, "1\n")
				for i, r := range runs {
					o, err := r.Wait(ctx)
					if err != nil {
						t.Fatalf("run %d: %v", i, err)
					}
					// On a socket of its own a run may come when the context is closed, or gone.
					late := o.Close == 1008 && o.Error != nil && (o.Error.Name == "ContextClosedError" || strings.Contains(o.Error.Value, "not found"))
					if !late && (o.Status != "cancelled" || o.Error.Name != "ContextDeletedError") {
						t.Errorf("run %d: %s", i, o)
					}
				}
				if err := <-deleted; err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("it took %s", took)
				}
				if _, err := s.Contexts.Find(cx.ID()); err == nil {
					t.Error("the context is still there")
				}
			})
		}
	})
}

func ownerOf(s *testserver.Server, id string) string {
	e, err := s.Contexts.Find(id)
	if err != nil {
		return ""
	}
	return e.Owner
}

// TestRefusals gives what cannot be done its answer.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	ctx := limited(t)
	cx := open(t, native(s), clients.Options{Language: "python"}).(clients.Controlled)
	wants := func(err error, code string) {
		t.Helper()
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("error %v, want the code %s", err, code)
		}
	}
	mine, err := cx.Start(ctx, clients.Cell{Code: "1", ID: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	finish(ctx, t, mine)
	_, err = cx.Start(ctx, clients.Cell{Code: "2", ID: "mine"})
	wants(err, "DUPLICATE_ID")
	for name, env := range map[string]map[string]string{"=": {"A=B": "c"}, "NUL": {"A\x00": "c"}, "empty": {"": "c"}, "NUL in the value": {"A": "\x00"}} {
		_, err = cx.Start(ctx, clients.Cell{Code: "1", Env: env})
		if err == nil {
			t.Errorf("an environment with %s was taken", name)
		}
		if _, err := native(s).Open(ctx, clients.Options{Language: "python", Env: env}); err == nil {
			t.Errorf("a context's environment with %s was taken", name)
		}
	}
	_, err = native(s).Open(ctx, clients.Options{Language: "cobol"})
	wants(err, "UNKNOWN_LANGUAGE")
	if _, err = native(s).Open(ctx, clients.Options{Language: "python", Cwd: "/no/such/directory"}); err == nil || !strings.Contains(err.Error(), "/no/such/directory") {
		t.Errorf("cwd: %v", err)
	}
	blocked := start(ctx, t, cx, "print('in')\nwhile True: pass")
	if err := blocked.Until(ctx, "in"); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for range 300 {
		if _, err = cx.Start(ctx, clients.Cell{Code: "1"}); err != nil {
			break
		}
		taken++
	}
	wants(err, "QUEUE_FULL")
	if taken < 140 {
		t.Errorf("only %d runs were taken", taken)
	}
	if err := cx.Delete(ctx); err != nil {
		t.Error(err)
	}
	if o := finish(ctx, t, blocked); o.Status != "cancelled" {
		t.Errorf("%s", o)
	}
}
