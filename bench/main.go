// Command bench measures what hotcell promises, beside ipykernel through
// jupyter_client in the same minutes on the same machine, and prints one
// table. docs/benchmarks.md says how, and how far to trust it.
//
// Goroutines: only those of measurements that do several things at once; each
// is joined by the function that starts it.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotcell/bench/report"
)

func main() {
	self, err := os.Executable()
	switch {
	case err != nil:
	case len(os.Args) == 2 && os.Args[1] == beFloor:
		err = serveFloor(self)
	case len(os.Args) == 2 && os.Args[1] == beWriter:
		err = writeFlood(os.Stdout)
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, self, os.Args[1:], os.Stdout, os.Stderr)
		stop()
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	programs
	only   string
	rounds int
	json   bool
	soak   time.Duration
	rate   int
	flags  []string // of the soaked server
}

func parse(args []string, errout io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errout)
	f.StringVar(&o.only, "only", "", "measure only these groups, separated by commas: life, run, row, output, fleet, other, command, session, sandbox, memory")
	f.IntVar(&o.rounds, "rounds", 5, "how often everything is measured in turn, after one round that does not count")
	f.BoolVar(&o.json, "json", false, "write JSON instead of a table")
	f.DurationVar(&o.soak, "soak", 0, "instead of measuring, put a mixed load on a server for so long, such as 30m, and see whether it stays as it was; what stands behind the flags is handed on to it")
	f.IntVar(&o.rate, "rate", 200, "runs a second of a soak")
	f.StringVar(&o.hotcell, "hotcell", "bin/hotcell", "the program that is measured")
	f.StringVar(&o.isolation, "isolation", "", "what is around the server's sandboxes: none, process, namespace, auto; empty: what it is by default, which is auto, and then some of it again with none")
	f.StringVar(&o.python, "python", env("HOTCELL_PYTHON", ".venv/bin/python"), "the Python of hotcell's kernels")
	f.StringVar(&o.jupyter, "ipykernel", env("HOTCELL_TEST_PYTHON", ".venv-test/bin/python"), "a Python that has ipykernel, jupyter_client, pandas and matplotlib")
	if err := f.Parse(args); err != nil {
		return o, fmt.Errorf("read the command line: %w", err)
	}
	if o.flags = f.Args(); o.rounds < 1 || o.rate < 1 || o.soak == 0 && len(o.flags) > 0 {
		return o, errors.New("-rounds and -rate must be at least 1, and there are no arguments beside flags, except with -soak")
	}
	// Programs are started in other directories.
	for _, path := range []*string{&o.hotcell, &o.python, &o.jupyter} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return o, fmt.Errorf("find %s: %w", *path, err)
		}
		*path = absolute
	}
	return o, nil
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// chosen are the scenarios that only names, or all, in the order in which they
// have to run.
func chosen(only string) ([]scenario, error) {
	all := scenarios()
	if only == "" {
		return all, nil
	}
	var names []string
	for group := range strings.SplitSeq(only, ",") {
		group = strings.TrimSpace(group)
		if !slices.ContainsFunc(all, func(s scenario) bool { return s.group == group }) {
			return nil, fmt.Errorf("-only: there is no group %q", group)
		}
		names = append(names, group)
	}
	return slices.DeleteFunc(all, func(s scenario) bool { return !slices.Contains(names, s.group) }), nil
}

// run measures and reports.
func run(ctx context.Context, self string, args []string, out, errout io.Writer) error {
	o, err := parse(args, errout)
	if err != nil {
		return err
	}
	o.self = self
	todo, err := chosen(o.only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hotcell-bench-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	log := slog.New(slog.NewTextHandler(errout, nil))
	if o.soak > 0 {
		return soak(ctx, o, dir, out, log)
	}
	if err := lap(ctx, o, todo, filepath.Join(dir, "first"), out, log); err != nil {
		return err
	}
	// What the boundary costs is seen beside the same without it.
	compared := slices.DeleteFunc(todo, func(s scenario) bool { return !slices.Contains(bounded(), s.group) })
	if o.isolation != "" || len(compared) == 0 {
		return nil
	}
	o.isolation = "none"
	return lap(ctx, o, compared, filepath.Join(dir, "second"), out, log)
}

// bounded are the groups that the boundary around sandboxes may slow down.
func bounded() []string { return []string{"life", "run", "command", "sandbox"} }

// lap measures with one boundary, and reports.
func lap(ctx context.Context, o options, todo []scenario, dir string, out io.Writer, log *slog.Logger) error {
	began := time.Now()
	l, err := setUp(ctx, o.programs, dir, log)
	if err != nil {
		return err
	}
	defer l.close()
	m := look(ctx, l)
	m.Isolation = cmp.Or(o.isolation, "auto, which is the default")
	measure(ctx, l, todo, o.rounds)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	m.Took = time.Since(began).Round(time.Second).String()
	if err := show(out, o, todo, l, m); err != nil {
		return err
	}
	if n := len(l.faults); n > 0 {
		return fmt.Errorf("%d measurements failed, first: %w", n, l.faults[0])
	}
	return nil
}

// measure runs everything in turn, so that whatever disturbs the machine for a
// while disturbs all alike. The first round is for warming up.
func measure(ctx context.Context, l *lab, todo []scenario, rounds int) {
	for round := range rounds + 1 {
		if round == 1 {
			l.samples.Open()
		}
		for _, s := range todo {
			if s.once && round < rounds || ctx.Err() != nil {
				continue
			}
			began := time.Now()
			if err := s.run(ctx, l, round); err != nil {
				l.fail(ctx, s.group, err)
			}
			l.log.LogAttrs(ctx, slog.LevelInfo, "measured", slog.String("group", s.group),
				slog.Int("round", round), slog.Duration("took", time.Since(began)))
		}
	}
}

// show writes what was measured.
func show(out io.Writer, o options, todo []scenario, l *lab, m machine) error {
	var some []report.Row
	for _, r := range rows() {
		if slices.ContainsFunc(todo, func(s scenario) bool { return s.group == r.Group }) {
			some = append(some, r)
		}
	}
	lines := report.Lines(some, l.samples)
	if o.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"machine": m, "lines": lines}); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		return nil
	}
	if err := report.Write(out, lines); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err := fmt.Fprintf(out, `
medians; p95: 95 of 100 were no worse; n: how many; ratio: ipykernel's median to hotcell's; MB: 10⁶ bytes
* Daytona 0.190's own server, measured elsewhere on two cores
%s
%d of %d lines are over budget or behind
`, m, report.Over(lines), len(lines))
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
