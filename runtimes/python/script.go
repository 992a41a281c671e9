package python

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// RunScript implements [runtimes.Scripts]: a kernel that nobody has used yet
// becomes the program. It was forked from the template, so what the template
// has imported costs nothing. With birth variables, and where there is no fork,
// it is an interpreter of its own, with nothing imported.
func (r *Runtime) RunScript(ctx context.Context, s runtimes.Script) (*runtimes.Run, *runtimes.Rejected, error) {
	if r.fault != "" {
		return nil, nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.fault)
	}
	path, err := place(s)
	if err != nil {
		return nil, nil, err
	}
	take := s.Kernel
	switch birth := scriptBirth(r.BirthEnv(s.Vars)); {
	case len(birth) > 0 || !forks:
		take = func(ctx context.Context) (*runtimes.Kernel, error) {
			return runtimes.Launch(ctx, r.process("script", nil, birth, s.Jail))
		}
	case take == nil:
		take = func(ctx context.Context) (*runtimes.Kernel, error) { return r.startForked(ctx, s.Jail, nil) }
	}
	run, err := runtimes.Become(ctx, take, s.Group, wire.Script{File: path, Path: path, Args: s.Args, Env: s.Env}, s.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("start python: %w", err)
	}
	run.Engine = "python " + r.found.Version
	return run, nil, nil
}

// scriptBirth leaves out what a script has, or can be given, in a fork as well.
func scriptBirth(birth map[string]string) map[string]string {
	maps.DeleteFunc(birth, func(name, value string) bool {
		switch name {
		case "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE":
			return true
		case "PYTHONUTF8":
			return value == "1"
		case "PYTHONIOENCODING":
			return strings.EqualFold(value, "utf-8") || strings.EqualFold(value, "utf8")
		}
		return false
	})
	return birth
}

// place writes the program. One that looks at its own place finds itself in the
// directory in which it runs, among the files that it expects there; any other
// isn't seen in it.
func place(s runtimes.Script) (string, error) {
	code := dedent(s.Code)
	if strings.Contains(code, "__file__") {
		return s.WriteBeside(".py", code)
	}
	return s.Write("script.py", code)
}

// dedent takes away what all lines are indented by, if the first one is: a
// program that was written in a triple-quoted string of another.
func dedent(code string) string {
	lines := strings.SplitAfter(code, "\n")
	margin, seen := "", false
	for _, line := range lines {
		text := strings.TrimLeft(line, " \t")
		if strings.TrimRight(text, "\r\n") == "" {
			continue
		}
		indent := line[:len(line)-len(text)]
		if !seen {
			margin, seen = indent, true
			continue
		}
		for !strings.HasPrefix(indent, margin) {
			margin = margin[:len(margin)-1]
		}
		if margin == "" {
			return code
		}
	}
	if margin == "" {
		return code
	}
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, margin)
		if strings.TrimSpace(line) == "" {
			lines[i] = strings.TrimLeft(line, " \t")
		}
	}
	return strings.Join(lines, "")
}
