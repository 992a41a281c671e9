package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
)

// flock is the penguins of a species, computed from the file.
type flock struct {
	species      string
	flipper      []float64
	mass         []float64
	heaviest, at float64
}

func flocks(t *testing.T, modules string) []*flock {
	t.Helper()
	var all []*flock
	for _, row := range table(t, filepath.Join(modules, "@observablehq", "sample-datasets", "penguins.csv")) {
		flipper, err := strconv.ParseFloat(row[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		mass, err := strconv.ParseFloat(row[5], 64)
		if err != nil {
			t.Fatal(err)
		}
		if flipper != flipper || mass != mass { // NaN
			continue
		}
		if len(all) == 0 || all[len(all)-1].species != row[0] {
			all = append(all, &flock{species: row[0]})
		}
		f := all[len(all)-1]
		f.flipper, f.mass = append(f.flipper, flipper), append(f.mass, mass)
		if mass > f.heaviest {
			f.heaviest, f.at = mass, flipper
		}
	}
	return all
}

// slope is that of the line of least squares, by another formula than the example's.
func (f *flock) slope() (mean, slope float64) {
	var n, x, y, xx, xy float64
	for i := range f.mass {
		n, x, y = n+1, x+f.flipper[i], y+f.mass[i]
		xx, xy = xx+f.flipper[i]*f.flipper[i], xy+f.flipper[i]*f.mass[i]
	}
	return y / n, (n*xy - x*y) / (n*xx - x*x)
}

func TestTypeScript(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	modules := testserver.NodeModules(t)
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	// What a newer Node.js does by itself: the types are taken away, and nothing else.
	plain := api.Transform(read(t, example(t, "typescript/penguins.ts")), api.TransformOptions{Loader: api.LoaderTS, Format: api.FormatESModule})
	if len(plain.Errors) > 0 {
		t.Fatal(plain.Errors)
	}
	program := filepath.Join(dir, "penguins.mjs")
	if err := os.WriteFile(program, plain.Code, 0o600); err != nil {
		t.Fatal(err)
	}
	out := run(t, dir, []string{"E2B_DEBUG=true", "E2B_SANDBOX_URL=" + s.E2BURL}, "node", program)
	var fits, points string
	for _, f := range flocks(t, modules) {
		mean, slope := f.slope()
		fits += fmt.Sprintf("%-10s %.0f g, %.1f g more for each mm of flipper\n", f.species, mean, slope)
		points += fmt.Sprintf("%-10s %d points, the heaviest at %g, %g\n", f.species, len(f.mass), f.at, f.heaviest)
	}
	if d := cmp.Diff(fits+"Penguins, a scatter chart of Flipper (mm) and Mass (g)\n"+points, out); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(documented(t, "TypeScript: penguins"), out); d != "" {
		t.Errorf("the README says otherwise: %s", d)
	}
	versions(t)
}

// versions of what the example asks for are those that were run here.
func versions(t *testing.T) {
	t.Helper()
	var asked struct{ Dependencies map[string]string }
	var tested struct{ DevDependencies map[string]string }
	for path, into := range map[string]any{example(t, "typescript/package.json"): &asked, filepath.Join("..", "package.json"): &tested} {
		if err := json.Unmarshal([]byte(read(t, path)), into); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	for name, version := range asked.Dependencies {
		if tested.DevDependencies[name] != version || strings.ContainsAny(version, "^~") {
			t.Errorf("%s %s, but %q is tested", name, version, tested.DevDependencies[name])
		}
	}
}
