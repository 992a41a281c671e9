package node

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed driver/*.mjs
var sources embed.FS

// A kernel loads two files: one module each costs Node.js 15 ms less at every
// start than the dozen that they are made of. A script loads the third.
const (
	mainFile   = "main.cjs"
	readerFile = "reader.cjs"
	scriptFile = "script.cjs"
)

// driver is the directory with the driver's files.
type driver struct {
	dir string // where the directory is made

	mu   sync.Mutex
	made string // empty until it is
	gone bool
}

// file returns the path of one of the driver's files, and writes them all first
// if nobody has. Only starts wait for each other here, and only for the first.
func (d *driver) file(name string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return "", errors.New("the runtime has been closed")
	}
	if d.made != "" {
		return filepath.Join(d.made, name), nil
	}
	if d.dir != "" {
		if err := os.MkdirAll(d.dir, 0o755); err != nil {
			return "", fmt.Errorf("make the scratch directory: %w", err)
		}
	}
	dir, err := os.MkdirTemp(d.dir, "hotcell-node-")
	if err != nil {
		return "", fmt.Errorf("make the driver's directory: %w", err)
	}
	for _, file := range []string{mainFile, readerFile, scriptFile} {
		entry := strings.TrimSuffix(file, ".cjs") + ".mjs"
		if err := writeBundle(entry, filepath.Join(dir, file)); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	// Kernels may run as somebody else.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // nothing secret is in it
		return "", errors.Join(fmt.Errorf("open the driver's directory: %w", err), os.RemoveAll(dir))
	}
	d.made = dir
	return filepath.Join(dir, name), nil
}

func (d *driver) remove() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	if d.made == "" {
		return nil
	}
	dir := d.made
	d.made = ""
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the driver's directory: %w", err)
	}
	return nil
}

// writeBundle makes one file of an entry and what it imports.
func writeBundle(entry, file string) error {
	res := api.Build(api.BuildOptions{
		EntryPoints: []string{entry},
		Bundle:      true,
		Format:      api.FormatCommonJS,
		Platform:    api.PlatformNode,
		Target:      api.ES2023,
		Charset:     api.CharsetUTF8,
		LogLevel:    api.LogLevelSilent,
		// import() with options passes through as it is.
		Supported: map[string]bool{"dynamic-import": true, "import-attributes": true},
		Plugins:   []api.Plugin{{Name: "embedded", Setup: embedded}},
	})
	if len(res.Errors) > 0 {
		return fmt.Errorf("bundle %s: %s", entry, res.Errors[0].Text)
	}
	if err := os.WriteFile(file, res.OutputFiles[0].Contents, 0o644); err != nil { //nolint:gosec // kernels may run as somebody else
		return fmt.Errorf("write the driver: %w", err)
	}
	return nil
}

// embedded makes the bundler read the driver's sources out of this binary.
func embedded(build api.PluginBuild) {
	const space = "embedded"
	build.OnResolve(api.OnResolveOptions{Filter: `\.mjs$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: strings.TrimPrefix(a.Path, "./"), Namespace: space}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: space}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		src, err := fs.ReadFile(sources, path.Join("driver", a.Path))
		if err != nil {
			return api.OnLoadResult{}, fmt.Errorf("read the driver: %w", err)
		}
		text := string(src)
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
	})
}
