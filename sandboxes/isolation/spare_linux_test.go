package isolation_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/sandboxes/isolation"
)

// berths makes sandboxes below a directory, and notes what becomes of them.
type berths struct {
	dir string

	mu    sync.Mutex
	n     int
	alive map[string]bool
}

func newBerths(dir string) *berths {
	return &berths{dir: dir, alive: map[string]bool{}}
}

func (b *berths) config() isolation.Berths {
	return isolation.Berths{
		Make: func() (isolation.Sandbox, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.n++
			id := strconv.Itoa(b.n)
			b.alive[id] = true
			work := filepath.Join(b.dir, id)
			return isolation.Sandbox{ID: id, Work: work, UID: jail.UserBase + b.n}, os.Mkdir(work, 0o755)
		},
		Remove: func(sb isolation.Sandbox) {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.alive, sb.ID)
			_ = os.Remove(sb.Work)
		},
	}
}

// take waits until one is ready.
func take(t *testing.T, s *isolation.Set) (sb isolation.Sandbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		var ok bool
		if sb, ok = s.Take(); !ok {
			return errors.New("no jail was made ahead")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return sb
}

// TestJailsAreMadeAhead takes some, uses, ends and kills them.
func TestJailsAreMadeAhead(t *testing.T) {
	data := t.TempDir()
	var admitted, entered []string
	cfg := isolation.Config{
		Mode: isolation.Auto, Data: data, Dir: filepath.Join(data, "jails"),
		Admit: func(id string) func(int) error {
			return func(int) error { admitted = append(admitted, id); return nil }
		},
		Enter: func(id string) error { entered = append(entered, id); return nil },
	}
	s, err := isolation.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := newBerths(t.TempDir())
	s.Keep(2, b.config())
	sb := take(t, s)
	if len(admitted)+len(entered) > 0 {
		t.Errorf("%v and %v were asked for before there was a sandbox", admitted, entered)
	}
	j, err := s.Jail(t.Context(), sb)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Jail(t.Context(), sb); err != nil || again != j || len(admitted) != 1 || len(entered) != 1 {
		t.Errorf("the second time it is another one, or asked for again: %v %v %v", err, admitted, entered)
	}
	p, err := child.Start(t.Context(), child.Spec{Path: "/bin/sh", Args: []string{"-c", "id -u > who"}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: sb.Work, Jail: j})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if _, err := os.Stat(filepath.Join(sb.Work, "who")); err != nil || p.Exit().Code != 0 {
		t.Errorf("%v %s", err, p.Exit())
	}
	if err := s.End(t.Context(), sb.ID); err != nil {
		t.Error(err)
	}
	<-j.Done()
	// Before its first use one ends, too.
	unused := take(t, s)
	if err := s.End(t.Context(), unused.ID); err != nil {
		t.Error(err)
	}
	if sb := take(t, s); sb.ID == unused.ID {
		t.Error("the same is given away twice")
	}
	s.Close()
	if _, ok := s.Take(); ok {
		t.Error("one is given away after the end")
	}
	// What was taken is somebody's; what wasn't is nobody's, and gone.
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.alive) != 3 {
		t.Errorf("of %d the sandboxes %v are left", b.n, b.alive)
	}
}

// TestJailThatMayNotBeUsed is ended, and another made for the next one who asks.
func TestJailThatMayNotBeUsed(t *testing.T) {
	data := t.TempDir()
	refusal := errors.New("not now")
	allowed := false
	s, err := isolation.New(t.Context(), isolation.Config{
		Mode: isolation.Auto, Data: data, Dir: filepath.Join(data, "jails"),
		Enter: func(string) error {
			if allowed {
				return nil
			}
			return refusal
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Keep(1, newBerths(t.TempDir()).config())
	sb := take(t, s)
	if _, err := s.Jail(t.Context(), sb); !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
	allowed = true
	if j, err := s.Jail(t.Context(), sb); err != nil || j == nil {
		t.Errorf("%v", err)
	}
}

// TestJailThatDiesBeforeItsUse is not given away, and not used.
func TestJailThatDiesBeforeItsUse(t *testing.T) {
	s, _, err := open(t, isolation.Auto, jail.Host)
	if err != nil {
		t.Fatal(err)
	}
	s.Keep(1, newBerths(t.TempDir()).config())
	sb := take(t, s)
	before := procs.Descendants(os.Getpid()) // its own, and perhaps the next one's
	for _, p := range before {
		if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	if err := procs.Gone(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	next := take(t, s)
	for _, sb := range []isolation.Sandbox{sb, next} {
		j, err := s.Jail(t.Context(), sb)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.CheckDir(sb.Work); err != nil {
			t.Errorf("the jail of %s isn't there: %v", sb.ID, err)
		}
	}
}

// TestJailThatDoesNotFit is replaced by one that is made for the sandbox.
func TestJailThatDoesNotFit(t *testing.T) {
	for name, adapt := range map[string]func(*isolation.Config){
		"by the sandbox": func(cfg *isolation.Config) { cfg.Fits = func(string) bool { return false } },
		"by its limits": func(cfg *isolation.Config) {
			asked := 0
			cfg.Admit = func(string) func(int) error {
				return func(int) error {
					if asked++; asked == 1 {
						return errors.New("another user's")
					}
					return nil
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, entered := t.TempDir(), 0
			cfg := isolation.Config{
				Mode: isolation.Auto, Data: data, Dir: filepath.Join(data, "jails"),
				Enter: func(string) error { entered++; return nil },
			}
			adapt(&cfg)
			s, err := isolation.New(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			s.Keep(1, newBerths(t.TempDir()).config())
			sb := take(t, s)
			j, err := s.Jail(t.Context(), sb)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := s.Jail(t.Context(), sb); err != nil || again != j || entered != 1 {
				t.Errorf("the second time: %v, another one: %t, entered %d times", err, again != j, entered)
			}
			p, err := child.Start(t.Context(), child.Spec{Path: "/bin/true", Env: []string{"PATH=/usr/bin:/bin"}, Dir: sb.Work, Jail: j})
			if err != nil {
				t.Fatal(err)
			}
			if <-p.Done(); p.Exit().Code != 0 {
				t.Errorf("%s", p.Exit())
			}
			if next := take(t, s); next.ID == sb.ID { // they are made ahead still
				t.Error("the same is given away twice")
			}
		})
	}
}

// TestJailMadeAheadIsLimited where only the jail itself can limit what runs in it: its
// user is another one than the server's, which may lack CAP_SYS_RESOURCE.
func TestJailMadeAheadIsLimited(t *testing.T) {
	data, err := os.MkdirTemp("", "hotcell-isolation-") //nolint:usetesting // others can't pass through t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	const files = 321
	refused := 0 // what a server without the capability gets, and this machine may have it
	s, err := isolation.New(t.Context(), isolation.Config{
		Mode: jail.Process, Data: data, Dir: filepath.Join(data, "jails"),
		Admit: func(string) func(int) error {
			return func(pid int) error {
				refused++
				return &child.RlimitsError{PID: pid, Limits: child.Rlimits{syscall.RLIMIT_NOFILE: files}}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Keep(1, newBerths(data).config())
	sb := take(t, s)
	j, err := s.Jail(t.Context(), sb)
	if err != nil {
		t.Fatal(err)
	}
	if refused != 1 {
		t.Errorf("%d jails were put under limits: the one that was made ahead was not used", refused)
	}
	p, err := child.Start(t.Context(), child.Spec{Path: "/bin/sh", Args: []string{"-c", "ulimit -n > files"}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: sb.Work, Jail: j})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got, err := os.ReadFile(filepath.Join(sb.Work, "files")); err != nil || strings.TrimSpace(string(got)) != strconv.Itoa(files) {
		t.Errorf("%q %v", got, err)
	}
}
