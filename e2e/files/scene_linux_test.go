package files_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/handlers"
	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/process/tools"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
)

// scene is a server with a sandbox whose code is hostile, and what it is after.
type scene struct {
	*testserver.Server
	agents *agents
	mode   jail.Mode
	users  bool   // sandboxes have users of their own
	work   string // its directory
	victim string // that of another sandbox
	key    string // a file of the server's
	host   string // a file of this machine's that everybody may read
}

func newScene(t *testing.T, kind string) *scene {
	t.Helper()
	mode, _, users := strings.Cut(kind, ", ")
	var agents agents
	opts := []testserver.Option{
		testserver.WithIsolation(jail.Mode(mode), jail.Host),
		testserver.WithTools(func(c *tools.Config) { c.Files.Start = agents.start }),
	}
	var own *isolation.Set
	if users {
		// Without interpreters, which may lie where no other user gets to.
		data := passable(t)
		err := os.Mkdir(filepath.Join(data, "sandboxes"), 0o711)
		if err != nil {
			t.Fatal(err)
		}
		if own, err = isolation.New(t.Context(), isolation.Config{Mode: jail.Mode(mode), Data: data, Dir: filepath.Join(data, "own")}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(own.Close)
		opts = append(opts, testserver.WithDataDir(data), testserver.WithConfig(func(c *handlers.Config) { c.Isolation = own }))
	}
	s := testserver.Start(t, opts...)
	if users {
		s.Isolation.Close()
		s.Isolation = own
	}
	if got := s.Isolation.Status(); users && !got.Users {
		t.Fatal(got.Reason)
	}
	other, err := s.Sandboxes.Create(sandboxes.Spec{Name: "victim"})
	if err != nil {
		t.Fatal(err)
	}
	sc := &scene{
		Server: s, agents: &agents, mode: jail.Mode(mode), users: s.Isolation.Status().Users, work: work(s), victim: s.Sandboxes.WorkDir(other.ID),
		key: filepath.Join(s.DataDir, "api-key"), host: filepath.Join(t.TempDir(), "of-the-host"),
	}
	for _, path := range []string{filepath.Join(sc.victim, "file"), sc.key, sc.host} {
		if err := os.WriteFile(path, []byte(secret), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.Own(t, other.ID) // it is at work too
	return sc
}

// passable is a directory to which other users get.
func passable(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for up := dir; strings.HasPrefix(up, os.TempDir()+"/"); up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sh runs a line of the hostile code.
func (sc *scene) sh(t *testing.T, line string) string {
	t.Helper()
	return sc.run(t, "/bin/sh", "-c", sc.names(line))
}

// run runs a program as the hostile code, until its end, and returns what it has put
// out.
func (sc *scene) run(t *testing.T, path string, args ...string) string {
	t.Helper()
	p, out := sc.begin(t, path, args...)
	defer out.Close()
	all, err := io.ReadAll(out)
	<-p.Done()
	if e := p.Exit(); err != nil || e.Code != 0 {
		t.Fatalf("%s %q inside: %s, %v: %s", path, args, e, err, all)
	}
	return string(all)
}

// begin is run for one that goes on.
func (sc *scene) begin(t *testing.T, path string, args ...string) (*child.Process, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p, err := child.Start(t.Context(), child.Spec{
		Path: path, Args: args, Dir: sc.work, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: w, Stderr: w, Jail: sc.Place(t, "default").Jail,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

// agents starts those of a server, and knows them.
type agents struct {
	mu  sync.Mutex
	all []*child.Process
}

func (a *agents) start(ctx context.Context, spec child.Spec) (*child.Process, error) {
	// The race detector would sleep for a second at the end.
	spec.Env = append(spec.Env, "GORACE=atexit_sleep_ms=0")
	p, err := child.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, p)
	return p, nil
}

// alive are the numbers of those that live.
func (a *agents) alive() (pids []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.all {
		select {
		case <-p.Done():
		default:
			pids = append(pids, p.Pid())
		}
	}
	return pids
}

// names puts paths in place of their names.
func (sc *scene) names(s string) string {
	return strings.NewReplacer("VICTIM", sc.victim, "DATA", sc.DataDir, "KEY", sc.key, "HOST", sc.host, "WORK", sc.work,
		"SERVER", fmt.Sprint(os.Getpid())).Replace(s)
}

// outside is how everything stands that must not change.
func (sc *scene) outside(t *testing.T) string {
	t.Helper()
	var said strings.Builder
	for _, root := range []string{filepath.Dir(sc.victim), sc.key, sc.host, "/etc/passwd", "/etc/shadow"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			st, err := d.Info()
			if err != nil {
				return err
			}
			content, _ := os.ReadFile(path)
			owner := st.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // on Linux it is
			fmt.Fprintf(&said, "%s %v %v %d %x\n", path, st.Mode(), st.ModTime(), owner.Uid, sha256.Sum256(content))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return said.String()
}

// ask sends one request to the hostile sandbox's toolbox: its first word is the
// method, its second what comes behind /files, its third a body.
func (sc *scene) ask(t *testing.T, request string) answer {
	t.Helper()
	c := connect(t, sc.Server)
	word := strings.SplitN(request, " ", 3)
	path, query, _ := strings.Cut(word[1], "?")
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, name+"="+url.QueryEscape(sc.names(value)))
	}
	body := ""
	if len(word) > 2 {
		body = sc.names(word[2])
	}
	headers := []string{length(len(body))}
	if strings.HasPrefix(path, "/bulk-upload") {
		body = form("files[0].path", body, "files[0].file x", "overwritten")
		headers = []string{formType, length(len(body))}
	}
	c.head(word[0], "/toolbox/default/files"+path+"?"+strings.Join(pairs, "&"), headers...)
	c.send(body)
	return c.answer()
}

// eachBoundary runs a test for each kind of boundary.
func eachBoundary(t *testing.T, body func(t *testing.T, sc *scene)) {
	t.Helper()
	if testserver.Repeated() {
		t.Skip("it chooses its boundaries itself")
	}
	kinds := []string{}
	for _, mode := range testserver.Modes(t) {
		kinds = append(kinds, string(mode))
	}
	if os.Geteuid() == 0 && testserver.All() {
		kinds = append(kinds, "process, with users")
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { body(t, newScene(t, kind)) })
	}
}
