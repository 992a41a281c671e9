package files_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"hotcell/files"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, times := range []int{1, 100_000} { // read at once, and as it is asked for
		text := strings.Repeat("0123456789", times)
		r.put(t, "f", text)
		c, err := r.Open("f")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r.put(t, "f", text+" and more") // it grows
		if all, err := io.ReadAll(c); err != nil || string(all) != text {
			t.Errorf("%.40q %v", all, err)
		}
		if err := c.Section(2, 3); err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(c); err != nil || string(all) != "234" {
			t.Errorf("%q %v", all, err)
		}
		if err := c.Section(0, c.Size); err != nil {
			t.Fatal(err)
		}
		r.put(t, "f", "0123") // it shrinks
		all, err := io.ReadAll(c)
		if times == 1 {
			if string(all) != text || err != nil {
				t.Errorf("%q %v", all, err)
			}
			continue
		}
		wantError(t, err, files.ErrShrunk, "999996 bytes are missing")
		if string(all) != "0123" {
			t.Errorf("%q", all)
		}
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.link(t, "loop", "loop")
	r.link(t, "nowhere", "dangling")
	if err := syscall.Mkfifo(r.path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.link(t, "fifo", "to-fifo")
	ln, err := net.Listen("unix", r.path("sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, tc := range []struct {
		path  string
		kind  error
		words string
	}{
		{".", files.ErrPath, "a directory"},
		{"fifo", files.ErrPath, "a FIFO"},
		{"to-fifo", files.ErrPath, "a FIFO"},
		{"sock", files.ErrPath, "a socket"},
		{"/dev/zero", files.ErrPath, "a device"},
		{"/dev/tty", files.ErrPath, "a device"},
		{"loop", files.ErrPath, "circle"},
		{"dangling", files.ErrNotFound, "no such file"},
		{"none", files.ErrNotFound, "no such file"},
		{"/proc/self/mem/x", files.ErrPath, "should be a directory"},
	} {
		_, err := r.Open(tc.path)
		wantError(t, err, tc.kind, tc.words)
	}
}

// TestOpenTheKernels reads files that say they are empty, or larger than they are.
func TestOpenTheKernels(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/proc/self/cmdline", "/sys/kernel/mm/transparent_hugepage/enabled"} {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Log(err)
			continue
		}
		c, err := newRoom(t).Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) || c.Size != int64(len(want)) {
			t.Errorf("%q %v", got, err)
		}
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "f", "12345")
	r.link(t, "f", "link")
	r.link(t, "nowhere", "dangling")
	i, err := r.Info("link")
	if err != nil || i.Name != "link" || i.Size != 5 || i.Path != r.path("link") || i.Dir || files.Octal(i.Mode) != "0644" {
		t.Errorf("%+v %v", i, err)
	}
	if i, err = r.Info("dangling"); err != nil || i.Mode&os.ModeSymlink == 0 {
		t.Errorf("%+v %v", i, err)
	}
	if i, err = r.Info("."); err != nil || !i.Dir {
		t.Errorf("%+v %v", i, err)
	}
	if i, err = r.Info("/dev/null"); err != nil || i.Dir {
		t.Errorf("%+v %v", i, err)
	}
	_, err = r.Info("none")
	wantError(t, err, files.ErrNotFound, `"none"`)
}

func names(list []files.Info) []string {
	var out []string
	for _, i := range list {
		out = append(out, i.Name)
	}
	return out
}

func TestList(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "b/c/d", "")
	r.put(t, "a", "")
	r.put(t, "odd\xff", "")
	r.link(t, "b", "link")
	r.link(t, "..", "b/up")
	for depth, want := range map[int][]string{
		1:  {"a", "b", "link", "odd\xff"},
		2:  {"a", "b", "c", "up", "link", "odd\xff"},
		50: {"a", "b", "c", "d", "up", "link", "odd\xff"},
	} {
		list, _, err := r.List(t.Context(), ".", depth)
		if diff := cmp.Diff(want, names(list)); err != nil || diff != "" {
			t.Errorf("depth %d: %v\n%s", depth, err, diff)
		}
	}
	if list, _, err := r.List(t.Context(), "link", 1); err != nil || len(list) != 2 {
		t.Errorf("by a link: %v %v", names(list), err)
	}
	_, _, err := r.List(t.Context(), ".", 0)
	wantError(t, err, files.ErrArgument, "at least 1")
	_, _, err = r.List(t.Context(), "a", 1)
	wantError(t, err, files.ErrPath, "directory")
	_, _, err = r.List(t.Context(), "none", 1)
	wantError(t, err, files.ErrNotFound, "")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(files.ErrEnded)
	_, _, err = r.List(ctx, ".", 1)
	wantError(t, err, files.ErrEnded, "")
}

// TestHugeDirectory has one entry more than a listing may have.
func TestHugeDirectory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it makes a hundred thousand files")
	}
	r := newRoom(t)
	r.put(t, "one", "")
	if err := os.Mkdir(r.path("huge"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range files.MaxEntries + 1 { // links to one file cost no inode
		if i%60_000 == 0 {
			r.put(t, fmt.Sprintf("one%d", i), "")
		}
		if err := os.Link(r.path(fmt.Sprintf("one%d", i-i%60_000)), r.path("huge", fmt.Sprintf("f%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := r.List(t.Context(), "huge", 1)
	wantError(t, err, files.ErrTooMany, "more than 100000")
	_, account, err := r.Search(t.Context(), ".", "f1")
	if err != nil || !strings.Contains(account.Truncated, "100000") {
		t.Errorf("%+v %v", account, err)
	}
	if err := os.Remove(r.path("huge", "f0")); err != nil {
		t.Fatal(err)
	}
	if list, _, err := r.List(t.Context(), "huge", 1); err != nil || len(list) != files.MaxEntries {
		t.Errorf("%d %v", len(list), err)
	}
	found, account, err := r.Search(t.Context(), ".", "f*")
	if err != nil || len(found) != files.MaxFound || !strings.Contains(account.Truncated, "10000 matches") {
		t.Errorf("%d %+v %v", len(found), account, err)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, path := range []string{"a.py", "b.txt", "sub/c.py", "sub/deep/d.py", "sub/deep/.hidden", "x[1].py"} {
		r.put(t, path, "")
	}
	r.link(t, "..", "sub/up")
	for pattern, want := range map[string][]string{
		"*.py":              {"a.py", "sub/c.py", "sub/deep/d.py", "x[1].py"},
		"*.{txt,md}":        {"b.txt"},
		"deep":              {"sub/deep"},
		"sub/*.py":          {"sub/c.py"},
		"**/d.py":           {"sub/deep/d.py"},
		"sub/**":            {"sub", "sub/c.py", "sub/deep", "sub/deep/.hidden", "sub/deep/d.py", "sub/up"},
		"./*.txt":           {"b.txt"},
		"x\\[1].py":         {"x[1].py"},
		"[ab].*":            {"a.py", "b.txt"},
		".h*":               {"sub/deep/.hidden"},
		"none":              {},
		r.dir + "/**/d.py":  {"sub/deep/d.py"},
		r.dir + "/sub/*.py": {"sub/c.py"},
	} {
		got, _, err := r.Search(t.Context(), ".", pattern)
		for i := range got {
			got[i], _ = filepath.Rel(r.dir, got[i])
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", pattern, err, diff)
		}
	}
	for _, pattern := range []string{"", "[a", "{a,b", strings.Repeat("{a,a}", 4), strings.Repeat("x", 2000)} {
		_, _, err := r.Search(t.Context(), ".", pattern)
		wantError(t, err, files.ErrArgument, "pattern")
	}
	_, _, err := r.Search(t.Context(), "none", "*")
	wantError(t, err, files.ErrNotFound, "")
}

func TestFind(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "a.py", "one\nTODO: (x.y)\r\nTODO again TODO\n")
	r.put(t, "sub/b.txt", "no\nlast TODO")
	r.put(t, "bin", "TODO\x00")
	r.put(t, "latin", "TODO \xff\n")
	r.put(t, "secret", "TODO")
	r.link(t, "a.py", "link")
	r.link(t, "..", "sub/up")
	if err := syscall.Mkfifo(r.path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.path("secret"), 0); err != nil {
		t.Fatal(err)
	}
	got, account, err := r.Find(t.Context(), ".", "TODO")
	want := []files.Match{
		{r.path("a.py"), 2, "TODO: (x.y)"},
		{r.path("a.py"), 3, "TODO again TODO"},
		{r.path("latin"), 1, "TODO \uFFFD"},
		{r.path("sub/b.txt"), 2, "last TODO"},
	}
	unreadable := 1
	if os.Getuid() == 0 {
		want = append(want[:3], files.Match{File: r.path("secret"), Line: 1, Content: "TODO"}, want[3])
		unreadable = 0
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if diff := cmp.Diff(files.Account{Binary: 1, Unreadable: unreadable}, account); diff != "" {
		t.Error(diff)
	}
	for path, text := range map[string]string{"a.py": "(x.y)", "link": "(x.y)", "sub/../a.py": "x.y"} {
		if got, _, err := r.Find(t.Context(), path, text); err != nil || len(got) != 1 {
			t.Errorf("%s: %v %v", path, got, err)
		}
	}
	for path, kind := range map[string]error{"none": files.ErrNotFound, "fifo": files.ErrPath} {
		_, _, err := r.Find(t.Context(), path, "x")
		wantError(t, err, kind, "")
	}
	for _, text := range []string{"", "a\nb", strings.Repeat("x", 5000)} {
		_, _, err := r.Find(t.Context(), ".", text)
		wantError(t, err, files.ErrArgument, "pattern")
	}
}

// TestFindInLongLines looks for text at all places of a line that doesn't fit
// in memory at once, among them those where one piece of it ends.
func TestFindInLongLines(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const piece = 256 << 10
	for _, at := range []int{0, 100, piece - 5, piece - 3, piece - 1, piece, piece + 1, 3*piece - 2, 5 * piece} {
		line := strings.Repeat("é", at/2) + strings.Repeat("-", at%2) + "needle" + strings.Repeat("ż", 3*piece)
		r.put(t, "f", "first\n"+line+"\nneedle\n")
		got, _, err := r.Find(t.Context(), "f", "needle")
		if err != nil || len(got) != 2 || got[0].Line != 2 || got[1].Line != 3 || got[1].Content != "needle" {
			t.Fatalf("at %d: %d matches, %v", at, len(got), err)
		}
		c := got[0].Content
		if len(c) > files.MaxLine+10 || !strings.Contains(c, "needle") || !strings.HasSuffix(c, "…") || !utf8.ValidString(c) {
			t.Errorf("at %d: %d bytes: %.40q", at, len(c), c)
		}
		if strings.ContainsRune(c, utf8.RuneError) && at < piece-10 {
			t.Errorf("at %d: cut in a rune", at)
		}
	}
}

func TestFindBounds(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "many", strings.Repeat("x\n", files.MaxFound+1))
	got, account, err := r.Find(t.Context(), ".", "x")
	if err != nil || len(got) != files.MaxFound || !strings.Contains(account.Truncated, "10000") {
		t.Errorf("%d %+v %v", len(got), account, err)
	}
	r.put(t, "many", strings.Repeat(strings.Repeat("x", 4000)+"\n", 3000))
	got, account, err = r.Find(t.Context(), ".", "x")
	if err != nil || len(got) < 2000 || !strings.Contains(account.Truncated, "8 MiB") {
		t.Errorf("%d %+v %v", len(got), account, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(files.ErrEnded)
	if _, _, err := r.Find(ctx, ".", "x"); !errors.Is(err, files.ErrEnded) {
		t.Error(err)
	}
}

func TestVisits(t *testing.T) {
	t.Parallel()
	v := files.NewVisits()
	ctx, leave, err := v.Begin("a")
	if err != nil || !v.Busy("a") || v.Busy("b") {
		t.Fatal(err, v.Busy("a"), v.Busy("b"))
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.End(short, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("end of one that stays: %v", err)
	}
	if !errors.Is(context.Cause(ctx), files.ErrEnded) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
	ended := make(chan error, 1)
	go func() { ended <- v.End(t.Context(), "a") }() // ends with leave
	leave()
	leave()
	if err := <-ended; err != nil || v.Busy("a") {
		t.Error(err)
	}
	ctx, leave, _ = v.Begin("a")
	v.Close()
	<-ctx.Done()
	leave()
	if _, _, err := v.Begin("a"); err == nil {
		t.Error("it goes on after Close")
	}
}
