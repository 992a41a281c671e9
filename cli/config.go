package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

// configFile answers kong's questions for the value of a flag from a JSON
// object. Kong's own JSON resolver would let the file win over the
// environment, and would pass over a misspelt key in silence.
type configFile struct {
	path   string
	values map[string]any
}

// BeforeResolve is kong's hook: command line and environment are known, the
// file is what comes next.
func (g *grammar) BeforeResolve(ctx *kong.Context) error {
	path := ""
	for _, f := range ctx.Model.Flags {
		if f.Name == "config" {
			path, _ = ctx.FlagValue(f).(string)
		}
	}
	given := path != ""
	if !given {
		path = usualConfig()
	}
	file, err := readConfig(path)
	if !given && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := file.Validate(ctx.Model); err != nil {
		return err
	}
	ctx.AddResolver(file)
	return nil
}

// usualConfig is the file of the user's that is read if it is there. Whoever
// has no home has none.
func usualConfig() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "hotcell", "config.json")
}

func readConfig(path string) (*configFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	dec.UseNumber() // 3000000 must not become 3e+06
	file := &configFile{path: path, values: map[string]any{}}
	if err := dec.Decode(&file.values); err != nil {
		return nil, fmt.Errorf("read configuration %s: want one JSON object: %w", path, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read configuration %s: there is something after the JSON object", path)
	}
	return file, nil
}

// Validate refuses keys that no command has a flag for.
func (c *configFile) Validate(app *kong.Application) error {
	var known []string
	nodes := []*kong.Node{app.Node}
	for len(nodes) > 0 {
		n := nodes[0]
		nodes = append(nodes[1:], n.Children...)
		for _, f := range n.Flags {
			if f.Name != "help" && f.Name != "config" {
				known = append(known, f.Name)
			}
		}
	}
	var unknown []string
	for key := range c.values {
		if !slices.Contains(known, strings.ReplaceAll(key, "_", "-")) {
			unknown = append(unknown, fmt.Sprintf("%q", key))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return fmt.Errorf("configuration %s: unknown %s; 'hotcell serve --help' lists what there is",
		c.path, strings.Join(unknown, ", "))
}

// Resolve gives the value of a flag that neither the command line nor the
// environment set.
func (c *configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	for _, key := range []string{flag.Name, strings.ReplaceAll(flag.Name, "-", "_")} {
		if v, ok := c.values[key]; ok {
			return plain(v), nil
		}
	}
	return nil, nil
}

// plain gives kong the types that it decodes flags from.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	default:
		return v
	}
}
