// Package conformance_test runs one table of cells over every language and
// every way to reach a context, the real SDKs among them.
package conformance_test

import (
	"context"
	"testing"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// patience bounds a case. It is only reached when something is broken.
const patience = 60 * time.Second

// TestCells runs the table over the dialects as they are on the wire.
func TestCells(t *testing.T) {
	t.Parallel()
	cwd := t.TempDir()
	s := testserver.Start(t, testserver.WithVisible(cwd))
	for _, language := range languages {
		for _, c := range cases() {
			if c.of(language) == nil {
				continue
			}
			t.Run(language+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				t.Run("native", func(t *testing.T) {
					t.Parallel()
					runCase(t, &clients.Native{URL: s.URL, Key: s.Key}, language, c, cwd, sees{results: true, notices: true, statuses: true})
				})
				if c.native {
					return
				}
				t.Run("daytona", func(t *testing.T) {
					t.Parallel()
					runCase(t, inSandbox(t, s, language), language, c, cwd, sees{results: true, statuses: true})
				})
				if c.env != nil || c.limited(language) {
					return
				}
				t.Run("e2b", func(t *testing.T) {
					t.Parallel()
					runCase(t, &clients.E2B{URL: s.E2BURL}, language, c, cwd, sees{results: true, unquotes: true, statuses: true})
				})
			})
		}
	}
}

// inSandbox is a Daytona client in a sandbox of its own.
func inSandbox(t *testing.T, s *testserver.Server, language string) *clients.Daytona {
	t.Helper()
	d := &clients.Daytona{URL: s.URL, Key: s.Key}
	id, err := d.CreateSandbox(t.Context(), language)
	if err != nil {
		t.Fatal(err)
	}
	d.Sandbox = id
	return d
}

// open creates a context that ends with the test.
func open(t *testing.T, c clients.Client, o clients.Options) clients.Context {
	t.Helper()
	cx, err := c.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("create %s context: %v", o.Language, err)
	}
	t.Cleanup(func() { _ = cx.Delete(context.WithoutCancel(t.Context())) }) // tests may have deleted it
	return cx
}

func runCase(t *testing.T, c clients.Client, language string, tc testCase, cwd string, s sees) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := clients.Options{Language: language, Env: tc.env}
	if tc.cwd {
		o.Cwd = cwd
	}
	cx := open(t, c, o)
	for i, st := range tc.of(language) {
		r, err := cx.Start(ctx, st.cell())
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if st.interrupt != "" {
			if err := r.Until(ctx, st.interrupt); err != nil {
				t.Fatalf("step %d: %v", i+1, err)
			}
			if err := cx.(clients.Controlled).Interrupt(ctx, r); err != nil {
				t.Fatalf("step %d: interrupt: %v", i+1, err)
			}
		}
		for n, answer := range st.answers {
			if err := r.Asked(ctx, n+1); err != nil {
				t.Fatalf("step %d: %v", i+1, err)
			}
			if err := cx.(clients.Controlled).Reply(ctx, r, answer); err != nil {
				t.Fatalf("step %d: reply: %v", i+1, err)
			}
		}
		got, err := r.Wait(ctx)
		if err != nil {
			t.Fatalf("step %d, %q: %v", i+1, st.Code, err)
		}
		st.want.in(o.Cwd).check(t, st.Code, got, s)
	}
}
