package output_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hotcell/process/output"
)

func read(t *testing.T, k *output.Kept) string {
	t.Helper()
	b, err := io.ReadAll(k.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var leftOut = regexp.MustCompile(`\n\[hotcell: (\d+) bytes are left out here; [^\n]*\]\n`)

// TestKept writes so many bytes in pieces of all sizes, and wants all of them,
// or the first and the last.
func TestKept(t *testing.T) {
	t.Parallel()
	const half = 1000
	for _, n := range []int{0, 1, 299, 300, 301, 999, 1000, 1001, 1999, 2000, 2001, 2999, 3000, 3001, 12_345} {
		for _, most := range []int{1, 7, 999, 5000} {
			t.Run(fmt.Sprint(n, " in ", most), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				k := output.NewSmall(dir, half, 300)
				var b strings.Builder
				for i := range n {
					b.WriteByte(byte('a' + i%23))
				}
				all := b.String()
				for rest := all; rest != ""; {
					m := min(len(rest), 1+rand.IntN(most))
					if w, err := k.Write([]byte(rest[:m])); w != m || err != nil {
						t.Fatal(w, err)
					}
					rest = rest[m:]
				}
				want := all
				if omitted := n - 2*half; omitted > 0 {
					want = all[:half] + fmt.Sprintf("\n[hotcell: %d bytes are left out here; to get all of them, write the output to a file]\n", omitted) + all[n-half:]
				}
				if got := read(t, k); got != want || k.Total() != int64(n) || k.Omitted() != int64(max(0, n-2*half)) {
					t.Errorf("got %d bytes, want %d; %d are said to be omitted of %d", len(got), len(want), k.Omitted(), k.Total())
				}
				if got := k.Tail(10); got != all[max(0, n-10):] {
					t.Errorf("the tail is %q", got)
				}
				if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
					t.Error(left)
				}
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestKeptCharacters checks that the gap cuts none.
func TestKeptCharacters(t *testing.T) {
	t.Parallel()
	for shift := range 4 {
		k := output.NewSmall(t.TempDir(), 100, 50)
		all := strings.Repeat("x", shift) + strings.Repeat("€", 200) + strings.Repeat("🙂", 100)
		_, _ = k.Write([]byte(all))
		got := read(t, k)
		parts := leftOut.FindStringSubmatch(got)
		both := leftOut.Split(got, -1)
		if len(both) != 2 || !strings.HasPrefix(all, both[0]) || !strings.HasSuffix(all, both[1]) || strings.ToValidUTF8(got, "?") != got {
			t.Fatalf("%q", got)
		}
		if want := fmt.Sprint(len(all) - len(both[0]) - len(both[1])); parts[1] != want || fmt.Sprint(k.Omitted()) != want {
			t.Errorf("it says %s and %d, not %s", parts[1], k.Omitted(), want)
		}
		if tail := k.Tail(11); tail != "🙂🙂" {
			t.Errorf("%q", tail)
		}
		_ = k.Close()
	}
}

// TestKeptWithoutDisk checks that what cannot be kept is counted and told.
func TestKeptWithoutDisk(t *testing.T) {
	t.Parallel()
	k := output.NewSmall(filepath.Join(t.TempDir(), "nope"), 1000, 50)
	_, _ = k.Write([]byte(strings.Repeat("a", 40)))
	_, _ = k.Write([]byte(strings.Repeat("b", 40)))
	_, _ = k.Write([]byte("c"))
	if got := read(t, k); !strings.HasPrefix(got, strings.Repeat("a", 40)+"\n[hotcell: 41 bytes that followed could not be kept: ") || k.Omitted() != 41 {
		t.Errorf("%q, %d", got, k.Omitted())
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}
