package examples_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "hotcell")
	run(t, ".", nil, "go", "build", "-o", program, "hotcell")
	out := run(t, dir, []string{"HOME=" + dir}, program, "run", example(t, "go/scripts.go"))
	lines := strings.Split(strings.TrimSpace(out), "\n")

	// Letter by letter, where the example goes by the ranges of the tables.
	counts := map[string]int{}
	total := 0
	for c := range rune(unicode.MaxRune + 1) {
		if !unicode.IsLetter(c) {
			continue
		}
		for name, table := range unicode.Scripts {
			if unicode.Is(table, c) {
				counts[name]++
				total++
			}
		}
	}
	names := make([]string, 0, len(unicode.Scripts))
	for name := range unicode.Scripts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	want := []string{fmt.Sprintf("Unicode %s: %d letters in %d scripts, %.0f%% of them %s",
		unicode.Version, total, len(names), 100*float64(counts[names[0]])/float64(total), names[0])}
	for _, name := range names[1:11] {
		want = append(want, fmt.Sprintf("%-20s %6d", name, counts[name]))
	}
	if !slices.Equal(want, lines) {
		t.Errorf("it printed:\n%s\nbut it is\n%s", out, strings.Join(want, "\n"))
	}
	// Newer versions of Go have newer versions of Unicode.
	if text := documented(t, "Go: letters of the world"); strings.Contains(text, "Unicode "+unicode.Version+":") && text != out {
		t.Errorf("the README says otherwise: %s", text)
	}
}
