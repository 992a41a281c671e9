package pipes_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func TestWriteNow(t *testing.T) {
	t.Parallel()
	_, w := pipe(t)
	pipes.Widen(w)
	var err error
	for range 1000 {
		if err = pipes.WriteNow(w, make([]byte, 4096)); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("a full pipe takes more")
	}
	_ = w.Close()
	if err := pipes.WriteNow(w, []byte("a")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed pipe: %v", err)
	}
}

// TestFollow reads to the end, and until the pipe is closed under the reader.
func TestFollow(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(r, w *os.File){
		"end of file": func(_, w *os.File) { _ = w.Close() },
		"closed":      func(r, _ *os.File) { _ = r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w := pipe(t)
			got, done := make(chan string), make(chan struct{})
			go func() { // ends with the pipe
				defer close(done)
				pipes.Follow(r, func() int {
					buf := make([]byte, 8)
					n, err := direct.ReadNow(r, buf)
					switch {
					case err != nil:
						return 0
					case n == 0:
						return -1
					}
					got <- string(buf[:n])
					return n
				})
			}()
			for _, text := range []string{"one", "two"} {
				if _, err := w.WriteString(text); err != nil {
					t.Fatal(err)
				}
				if s := <-got; s != text {
					t.Errorf("%q", s)
				}
			}
			end(r, w)
			<-done
		})
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bytes   string
		partial int
		pieces  []string // of 8 bytes at most
	}{
		{"", 0, []string{""}},
		{"abc", 0, []string{"abc"}},
		{"abż", 0, []string{"abż"}},
		{"ab\xc5", 1, []string{"ab\uFFFD"}},
		{"ab\xf0\x9f\xa7", 3, []string{"ab\uFFFD\uFFFD", "\uFFFD"}},
		{"ab\xff", 0, []string{"ab\uFFFD"}},
		{"\x80\x80\x80", 0, []string{"\uFFFD\uFFFD", "\uFFFD"}},
		{"\xffżżżż", 0, []string{"\uFFFDżż", "żż"}},
	} {
		if n := pipes.Partial([]byte(c.bytes)); n != c.partial {
			t.Errorf("%q: %d bytes are cut off, want %d", c.bytes, n, c.partial)
		}
		if diff := cmp.Diff(c.pieces, pipes.Pieces([]byte(c.bytes), 8)); diff != "" {
			t.Errorf("%q: %s", c.bytes, diff)
		}
		if joined := strings.Join(c.pieces, ""); joined != strings.ToValidUTF8(joined, "") {
			t.Errorf("%q is no text", joined)
		}
	}
}
