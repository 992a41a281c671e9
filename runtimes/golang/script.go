package golang

import (
	"context"
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// interpreterName is what runs programs where no go command is, and snippets
// everywhere. The driver accepts no other version.
const interpreterName = "yaegi 0.16.1"

// RunScript implements [runtimes.Scripts]. A program, which begins with a
// package clause, is compiled where there is a go command. What is none is a
// snippet: the interpreter takes it like a cell of a context, with imports,
// declarations and statements in any order.
func (r *Runtime) RunScript(ctx context.Context, s runtimes.Script) (*runtimes.Run, *runtimes.Rejected, error) {
	if r.info.Fault != "" {
		return nil, nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.info.Fault)
	}
	switch name := packageOf(s.Code); name {
	case "":
	case "main":
		if t := r.toolchain.find(r.cfg.Log); t != nil { //nolint:contextcheck // it is looked for once, for everybody
			return r.compileAndRun(ctx, t, s)
		}
	default:
		said := fmt.Sprintf("main.go:1: package %s is not a main package\n", name)
		return nil, &runtimes.Rejected{Output: said, Code: 1, Engine: "go " + r.info.Version}, nil
	}
	run, err := r.interpret(ctx, s)
	return run, nil, err
}

// packageOf is the name in a text's package clause: none if it has no such
// clause, main if that is broken, about which the compiler has more to say.
func packageOf(code string) string {
	fset := token.NewFileSet()
	var s scanner.Scanner
	s.Init(fset.AddFile("", fset.Base(), len(code)), []byte(code), nil, 0)
	if _, first, _ := s.Scan(); first != token.PACKAGE {
		return ""
	}
	if _, second, name := s.Scan(); second == token.IDENT {
		return name
	}
	return "main"
}

// compileAndRun builds the program in the run's own directory and starts it.
func (r *Runtime) compileAndRun(ctx context.Context, t *toolchain, s runtimes.Script) (*runtimes.Run, *runtimes.Rejected, error) {
	engine := "go " + t.version
	program, said, err := t.build(ctx, s)
	if err != nil {
		return nil, nil, fmt.Errorf("compile go: %w", err)
	}
	if program == "" {
		return nil, &runtimes.Rejected{Output: said, Code: 1, Engine: engine}, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	p, err := child.Start(ctx, child.Spec{
		Path: program, Args: s.Args, Env: list(s.Env), Dir: s.Dir, Stdout: write, Stderr: write, Jail: s.Jail,
	})
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, nil, fmt.Errorf("start the compiled program: %w", err)
	}
	return &runtimes.Run{Process: p, Output: read, Engine: engine}, nil, nil
}

// interpret has a kernel become the program.
func (r *Runtime) interpret(ctx context.Context, s runtimes.Script) (*runtimes.Run, error) {
	file, err := s.Write("script.go", s.Code)
	if err != nil {
		return nil, err
	}
	take := s.Kernel
	if birth := r.BirthEnv(s.Vars); len(birth) > 0 || take == nil || s.Jail != nil {
		take = func(ctx context.Context) (*runtimes.Kernel, error) {
			return r.Start(ctx, runtimes.Spec{Env: birth, Jail: s.Jail})
		}
	}
	script := wire.Script{File: file, Path: filepath.Join(s.Own, "script"), Args: s.Args, Env: s.Env}
	run, err := runtimes.Become(ctx, take, script, s.Dir)
	if err != nil {
		return nil, fmt.Errorf("start go: %w", err)
	}
	run.Engine = interpreterName + ", go " + r.info.Version
	return run, nil
}

func list(env map[string]string) []string {
	pairs := make([]string, 0, len(env))
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}
