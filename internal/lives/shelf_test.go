package lives_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/lives"
)

func shelf(t *testing.T, path string) *lives.Shelf[string] {
	t.Helper()
	s, err := lives.OpenShelf[string](path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// has wants what a shelf has now, and what the next server finds.
func has(t *testing.T, s *lives.Shelf[string], path string, want ...string) {
	t.Helper()
	for _, s := range []*lives.Shelf[string]{s, shelf(t, path)} {
		got := s.All()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%.200q, not %.200q", got, want)
		}
	}
}

// TestShelf keeps things by any name.
func TestShelf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "records", "things")
	s := shelf(t, path)
	for _, name := range []string{"a", "../b", strings.Repeat("c", 1000), " ", "\n"} {
		s.Put(name, "old")
		s.Put(name, name)
	}
	s.Remove("a")
	s.Remove("never there")
	has(t, s, path, "\n", " ", "../b", strings.Repeat("c", 1000))
	for _, name := range []string{"\n", " ", "../b", strings.Repeat("c", 1000)} {
		s.Remove(name)
	}
	has(t, s, path)
	var none *lives.Shelf[string]
	none.Put("a", "b")
	none.Remove("a")
	if all := none.All(); all != nil || none.Close() != nil {
		t.Errorf("%q", all)
	}
}

// TestSpoiltShelf: lines that can't be read are set aside, and what a server was writing
// when it died is no reason to lose another line.
func TestSpoiltShelf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "things")
	file := path + ".jsonl"
	shelf(t, path).Put("good", "good")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := string(whole)
	for name, text := range map[string]string{
		"torn":        good + good[:10],
		"torn within": good + strings.TrimSuffix(good, "\n"),
		"bad":         "what?\n" + good + "{\"of\": 1}\n\n{\"of\": \"bad\", \"is\": 7}\n",
		"twice":       strings.ReplaceAll(good, `"is":"good"`, `"is":"older"`) + good,
	} {
		spoil(text)
		s := shelf(t, path)
		has(t, s, path, "good")
		s.Put("next", "next")
		has(t, s, path, "good", "next")
		s.Put("good", "better")
		s.Remove("next")
		has(t, s, path, "better")
		s.Remove("good")
		if has(t, s, path); t.Failed() {
			t.Fatal(name)
		}
	}
	if aside, err := os.ReadFile(file + ".unreadable"); err != nil || string(aside) != "what?\n{\"of\": 1}\n{\"of\": \"bad\", \"is\": 7}\n" {
		t.Errorf("set aside: %q %v", aside, err)
	}
}

// TestShelfIsTidied: its file doesn't grow without end, whoever changes what at once.
func TestShelfIsTidied(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x[", "things")
	if err := os.MkdirAll(path, 0o700); err != nil { // as older servers had it
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".jsonl.new-1", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := shelf(t, path)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 500 {
				name := fmt.Sprintf("%d/%d", i, n%7)
				s.Put(name, strings.Repeat("x", 1000)+fmt.Sprint(n))
				if n%3 == 0 {
					s.Remove(name)
				}
				s.Put(fmt.Sprint(i), fmt.Sprint(i))
			}
			for n := range 7 {
				s.Remove(fmt.Sprintf("%d/%d", i, n))
			}
		})
	}
	all.Wait()
	has(t, s, path, "0", "1", "2", "3", "4", "5", "6", "7")
	files, err := os.ReadDir(filepath.Dir(path))
	if info, serr := os.Stat(path + ".jsonl"); err != nil || serr != nil || info.Size() > 3<<20 || len(files) != 1 {
		t.Errorf("%v %v %v", files, err, serr)
	}
}
