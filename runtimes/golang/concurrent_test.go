package golang_test

import (
	"path/filepath"
	"strings"
	"testing"

	"hotcell/runtimes"
	"hotcell/runtimes/golang"
	"hotcell/runtimes/scripttest"
)

// concurrentCases are snippets that print how much went wrong. Each has many
// goroutines in the same code at the same time.
func concurrentCases() map[string]string {
	const seen = "var mu sync.Mutex\nvar wg sync.WaitGroup\nseen := map[int]int{}\nsee := func(i int) { mu.Lock(); seen[i]++; mu.Unlock() }\n"
	const count = "\nwrong := 0\nfor i := range 2000 { if seen[i] != 1 { wrong++ } }\nfmt.Println(wrong)"
	return map[string]string{
		"go":            seen + `for i := range 10000 { wg.Add(1); go func() { defer wg.Done(); mu.Lock(); seen[i]++; mu.Unlock() }() }; wg.Wait()` + strings.Replace(count, "2000", "10000", 1),
		"go, arguments": seen + `for i := range 2000 { wg.Add(1); go func(n int, done func()) { defer done(); see(n) }(i, wg.Done) }; wg.Wait()` + count,
		"go, in a function": seen + `func start(from, to int, wg *sync.WaitGroup, see func(int)) { defer wg.Wait(); for i := from; i < to; i++ { wg.Add(1); go func() { defer wg.Done(); see(i) }() } }
start(0, 1000, &wg, see); start(1000, 2000, &wg, see)` + count,
		"WaitGroup.Go":    seen + `for i := range 2000 { wg.Go(func() { see(i) }) }; wg.Wait()` + count,
		"AfterFunc":       seen + `for i := range 2000 { wg.Add(1); time.AfterFunc(time.Microsecond, func() { defer wg.Done(); see(i) }) }; wg.Wait()` + count,
		"stored closures": seen + `fs := make([]func(), 2000); for i := range fs { fs[i] = func() { see(i) } }; for _, f := range fs { wg.Go(f) }; wg.Wait()` + count,
		"closures made while others end": seen + `c := make(chan func(), 16)
for range 8 { wg.Go(func() { for f := range c { f() } }) }
for i := range 2000 { c <- func() { see(i) } }
close(c); wg.Wait()` + count,
		"closures of many goroutines": seen + `for g := range 8 { wg.Go(func() { for k := range 250 { f := func(n int) int { return n + g*250 }; see(f(k)) } }) }; wg.Wait()` + count,
		"method values": seen + `type T struct{ n int; see func(int) }
func (t *T) Do() { t.see(t.n) }
for i := range 2000 { t := &T{i, see}; wg.Go(t.Do) }; wg.Wait()` + count,
		"method expressions": seen + `type T struct{ n int; see func(int) }
func (t T) Do() { t.see(t.n) }
for i := range 2000 { f := T.Do; wg.Go(func() { f(T{i, see}) }) }; wg.Wait()` + count,
		"recursion": seen + `for g := range 8 { wg.Go(func() { for k := range 250 { var down func(int) int; down = func(n int) int { if n == 0 { return k }; return down(n - 1) }; see(down(5) + g*250) } }) }; wg.Wait()` + count,
		"results": seen + `func two(n int) (int, string) { return n, fmt.Sprint(n) }
for i := range 2000 { wg.Go(func() { a, s := two(i); if s == fmt.Sprint(a) { see(a) } }) }; wg.Wait()` + count,
		"once and sort":       seen + `for i := range 200 { wg.Go(func() { var once sync.Once; for range 3 { once.Do(func() { s := []int{3, 1, 2}; slices.SortFunc(s, func(a, b int) int { return b - a }); if s[0] == 3 && s[2] == 1 { for k := range 10 { see(i*10 + k) } } }) } }) }; wg.Wait()` + count,
		"iterators":           seen + `for g := range 8 { wg.Go(func() { seq := func(yield func(int) bool) { for k := range 250 { if !yield(k + g*250) { return } } }; for v := range seq { wg.Go(func() { see(v) }) } }) }; wg.Wait()` + count,
		"compiled iterators":  seen + `for i := range 200 { for s := range strings.SplitSeq("0 1 2 3 4 5 6 7 8 9", " ") { wg.Go(func() { n, _ := strconv.Atoi(s); see(i*10 + n) }) } }; wg.Wait()` + count,
		"defer in goroutines": seen + `for i := range 2000 { wg.Go(func() { done := func() { see(i) }; defer done(); defer func() { _ = recover() }(); if i%7 == 0 { panic(i) } }) }; wg.Wait()` + count,
		"handlers": seen + `for g := range 4 { wg.Go(func() {
	mux := http.NewServeMux()
	for k := range 50 { mux.HandleFunc(fmt.Sprint("/", k), func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, k+g*50) }) }
	for k := range 50 { w := httptest.NewRecorder(); mux.ServeHTTP(w, httptest.NewRequest("GET", fmt.Sprint("/", k), nil)); n, _ := strconv.Atoi(w.Body.String()); for j := range 10 { see(n*10 + j) } }
}) }; wg.Wait()` + count,
		"select": seen + `for g := range 8 { in, out := make(chan int), make(chan int, 1)
	wg.Go(func() { for k := range 250 { select { case in <- g*250 + k: case <-time.After(time.Minute): } } })
	wg.Go(func() { for range 250 { select { case v := <-in: select { case out <- v: default: }; select { case v, ok := <-out: if ok { see(v) } } } } })
}; wg.Wait()` + count,
		"interfaces": seen + `type Doer interface{ Do() }
type V struct{ n int; see func(int) }
func (v V) Do() { v.see(v.n) }
type P struct{ V }
v := V{see: see}
for i := range 2000 { v.n = i; var d Doer = v; if i%2 == 0 { d = &P{v} }; wg.Go(func() { d.Do() }) }; wg.Wait()` + count,
	}
}

// TestConcurrent runs them in kernels with more threads than the machine has cores.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for name, code := range concurrentCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startWith(t, runtimes.Spec{Env: map[string]string{"GOMAXPROCS": "8"}}).run(code)
			if o.status != "ok" || o.stdout != "0\n" {
				t.Errorf("%s, %q went wrong: %s", o.status, o.stdout, o.err.Traceback)
			}
			if strings.Contains(o.stderr, "DATA RACE") {
				t.Error(o.stderr)
			}
		})
	}
}

func TestConcurrentScript(t *testing.T) {
	t.Parallel()
	r := golang.New(golang.Config{ScratchDir: t.TempDir(), Toolchain: filepath.Join(t.TempDir(), "go")})
	for _, name := range []string{"go", "WaitGroup.Go", "select"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scripttest.Run(t, r, scripttest.Program{Language: "go", Code: concurrentCases()[name], Vars: map[string]string{"GOMAXPROCS": "8"}})
			if got.Output != "0\n" || got.Code != 0 {
				t.Errorf("exit code %d: %s", got.Code, got.Output)
			}
		})
	}
}
