package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// RunScript implements [runtimes.Scripts]. A program gets a process that has
// been started ahead, if there is one, and none that has ever been a kernel:
// Node.js with an inspector and a second thread in it is not what a program
// expects. With birth variables it is always a new one.
func (r *Runtime) RunScript(ctx context.Context, s runtimes.Script) (*runtimes.Run, *runtimes.Rejected, error) {
	if r.info.Fault != "" {
		return nil, nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.info.Fault)
	}
	engine := "node " + r.info.Version
	code, mapped := s.Code, false
	if s.Language == "typescript" {
		text, fault := compileProgram(s.Code, filepath.Join(s.Dir, ".script.ts"))
		if fault != nil {
			return nil, &runtimes.Rejected{Output: fault.Traceback + "\n", Code: 1, Engine: engine}, nil
		}
		code, mapped = text, true
	}
	script, err := place(s, code)
	if err != nil {
		return nil, nil, err
	}
	script.Mapped = mapped
	take := r.spare.take
	if len(r.BirthEnv(s.Vars)) > 0 || s.Jail != nil {
		take = func(ctx context.Context) (*runtimes.Kernel, error) { return r.startScript(ctx, list(s.Env), s.Jail) }
	}
	run, err := runtimes.Become(ctx, take, script, s.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("start node: %w", err)
	}
	run.Engine = engine
	return run, nil, nil
}

// startScript starts a process that waits for its program.
func (r *Runtime) startScript(ctx context.Context, env []string, jail child.Jail) (*runtimes.Kernel, error) {
	file, err := r.driver.file(scriptFile)
	if err != nil {
		return nil, fmt.Errorf("prepare the node driver: %w", err)
	}
	return runtimes.LaunchScript(ctx, child.Spec{Path: r.info.Program, Args: []string{file}, Env: env, Jail: jail})
}

func list(env map[string]string) []string {
	pairs := make([]string, 0, len(env))
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

var (
	// What only an ES module has stands behind one of these words. Which of the
	// two a program is, V8 decides in the driver.
	moduleWords = regexp.MustCompile(`\b(?:import|export|await)\b`)
	// A program with one of these may ask for its own file, or start it again.
	looksAround = regexp.MustCompile(`\b__filename\b|\bargv\s*\[\s*1\s*\]|\bcluster\b|\bimport\s*\.\s*meta\b|\brequire\s*\.\s*main\b`)
	// The names of CommonJS, which programs use in ES modules too.
	commonNames = regexp.MustCompile(`\b(?:require|module|exports|__filename|__dirname)\b`)
)

// place writes the program's files. Requires and imports are resolved from the
// directory in which it runs, so there is where it believes to be. An ES module
// can only be loaded from a file: that one lies there until it has been loaded,
// and while it runs if it looks around.
func place(s runtimes.Script, code string) (wire.Script, error) {
	file, err := s.Write("script.js", code)
	if err != nil {
		return wire.Script{}, err
	}
	script := wire.Script{
		File: file, Path: filepath.Join(s.Dir, ".script.cjs"), Args: s.Args, Env: s.Env,
		Keep: looksAround.MatchString(s.Code),
	}
	if script.Keep {
		if script.Path, err = s.WriteBeside(".cjs", code); err != nil {
			return wire.Script{}, err
		}
	}
	if moduleWords.MatchString(s.Code) {
		script.Module, err = s.WriteBesideOf(".mjs", func(path string) string {
			return code + lend(s.Code, path, script.Keep)
		})
	}
	return script, err
}

// lend is a last line for an ES module: an import of the names of CommonJS that
// it mentions. Imports count from the beginning, wherever they stand, and there
// it shifts no other line. The same import removes the file.
func lend(code, path string, keep bool) string {
	var names []string
	seen := map[string]bool{}
	for _, name := range commonNames.FindAllString(code, -1) {
		if !seen[name] && !declares(code, name) {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 && keep {
		return ""
	}
	var b strings.Builder
	b.WriteString(`import{unlinkSync}from"node:fs";import Module,{createRequire}from"node:module";`)
	fmt.Fprintf(&b, `export const __filename=%s,__dirname=%s,module=new Module(__filename),exports=module.exports;`,
		quote(path), quote(filepath.Dir(path)))
	b.WriteString(`module.filename=__filename;module.paths=Module._nodeModulePaths(__dirname);process.mainModule=module;`)
	b.WriteString(`export const require=createRequire(__filename);`)
	if !keep {
		b.WriteString(`try{unlinkSync(__filename)}catch{}`)
	}
	return "\nimport{" + strings.Join(names, ",") + `}from"data:text/javascript,` + escape(b.String()) + "\";\n"
}

// declares reports whether code seems to declare a name itself. The driver
// tries again without the name if this was wrong.
func declares(code, name string) bool {
	return regexp.MustCompile(`\b(?:const|let|var|function|class|import|as)\b[^;\n=(]*\b` + name + `\b`).MatchString(code)
}

// quote is a string of JavaScript.
func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(raw)
}

// escape is text as it stands in a data URL.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
