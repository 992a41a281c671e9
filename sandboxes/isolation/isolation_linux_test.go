package isolation_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/sandboxes/isolation"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "be-child" && os.Args[2] == "init" {
		if struck := os.Remove(nextStrike(0)) == nil || os.Remove(nextStrike(1)) == nil || os.Remove(nextStrike(2)) == nil; struck {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		os.Exit(jail.Main(os.Args[3:]))
	}
	goleak.VerifyTestMain(m)
}

// nextStrike is a file that has a first process killed at its start, which removes it.
func nextStrike(i int) string {
	program, _ := os.Executable()
	return fmt.Sprintf("%s.strike%d", program, i)
}

func open(t *testing.T, mode jail.Mode, network jail.Network) (*isolation.Set, string, error) {
	t.Helper()
	data := t.TempDir()
	s, err := isolation.New(t.Context(), isolation.Config{Mode: mode, Network: network, Data: data, Dir: filepath.Join(data, "jails")})
	t.Cleanup(func() { s.Close() })
	return s, data, err
}

// withoutBwrap has a PATH on which there is no bubblewrap.
func withoutBwrap(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	path, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(dir, "true")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestAutoSaysWhyItIsLess(t *testing.T) {
	withoutBwrap(t)
	s, _, err := open(t, isolation.Auto, jail.Host)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Status(); got.Mode != jail.Process || !strings.Contains(got.Reason, "apt-get install bubblewrap") {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsAskedForIsNotLess(t *testing.T) {
	withoutBwrap(t)
	if _, _, err := open(t, jail.Namespace, jail.Host); err == nil || !strings.Contains(err.Error(), "bubblewrap is not installed") {
		t.Errorf("%v", err)
	}
	// A network of its own isn't given up, either.
	if _, _, err := open(t, isolation.Auto, jail.Loopback); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("%v", err)
	}
}

func TestWordsAreChecked(t *testing.T) {
	for _, c := range []struct {
		mode    jail.Mode
		network jail.Network
	}{{"strong", jail.Host}, {jail.None, jail.NoNet}, {jail.Process, jail.Loopback}, {jail.Namespace, "some"}} {
		if _, _, err := open(t, c.mode, c.network); err == nil {
			t.Errorf("%s and %s are taken", c.mode, c.network)
		}
	}
}

// TestWorkDirectoryChangesHands when sandboxes get users, and when they lose them.
func TestWorkDirectoryChangesHands(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Skip("bubblewrap is not installed")
	}
	s, data, err := open(t, jail.Namespace, jail.Host)
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(data, "work")
	elsewhere := filepath.Join(data, "elsewhere")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(work, "a/b"), 0o755), os.WriteFile(filepath.Join(work, "a/b/c"), nil, 0o600),
		os.WriteFile(elsewhere, nil, 0o600), os.Symlink(elsewhere, filepath.Join(work, "link")), os.Link(elsewhere, filepath.Join(work, "second")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sb := isolation.Sandbox{ID: "a", Work: work, UID: jail.UserBase + 7}
	first, err := s.Jail(t.Context(), sb)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"": sb.UID, "a": sb.UID, "a/b/c": sb.UID, "link": sb.UID, "second": 0, "../elsewhere": 0} {
		if got := ownerOf(t, filepath.Join(work, path)); got != want {
			t.Errorf("%s belongs to %d", path, got)
		}
	}
	if again, err := s.Jail(t.Context(), sb); err != nil || again != first {
		t.Errorf("it is another jail: %v", err)
	}
	if err := s.End(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	select {
	case <-first.Done():
	default:
		t.Error("the jail hasn't ended")
	}
	none, _, err := open(t, jail.None, jail.Host)
	if err != nil {
		t.Fatal(err)
	}
	if j, _, err := none.Within(t.Context(), sb); j != nil || err != nil {
		t.Errorf("%v %v", j, err)
	}
	if got := ownerOf(t, work); got != 0 {
		t.Errorf("the directory belongs to %d", got)
	}
}

// TestJailIsStruckWhileItIsMade: another one is made, if somebody isn't bent on it.
func TestJailIsStruckWhileItIsMade(t *testing.T) {
	s, data, err := open(t, jail.Process, jail.Host)
	if err != nil {
		t.Fatal(err)
	}
	for strikes, fails := range []bool{false, false, false, true} {
		for i := range strikes {
			if err := os.WriteFile(nextStrike(i), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		sb := isolation.Sandbox{ID: fmt.Sprint(strikes), Work: filepath.Join(data, fmt.Sprint(strikes))}
		if err := os.Mkdir(sb.Work, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := s.Jail(t.Context(), sb)
		if (err != nil) != fails || fails && !errors.Is(err, isolation.ErrEnded) {
			t.Errorf("%d strikes: %v", strikes, err)
		}
	}
}

func ownerOf(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("%T", info.Sys())
	}
	return int(st.Uid)
}

// TestNothingIsLeftOpen counts descriptors around jails that come and go.
func TestNothingIsLeftOpen(t *testing.T) {
	s, data, err := open(t, isolation.Auto, jail.Host)
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(data, "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		names, _ := os.ReadDir("/proc/self/fd")
		return len(names)
	}
	once := func() {
		if _, err := s.Jail(t.Context(), isolation.Sandbox{ID: "a", Work: work, UID: jail.UserBase + 8}); err != nil {
			t.Fatal(err)
		}
		if err := s.End(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	once()
	before := count()
	for range 10 {
		once()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
}

// TestUsersWithoutNamespaces gives each sandbox its own, and ends what an earlier
// server has left of it.
func TestUsersWithoutNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has other users")
	}
	data, err := os.MkdirTemp("", "hotcell-isolation-") //nolint:usetesting // others can't pass through t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	// The interpreters of this machine may be out of reach; this test needs none.
	const files = 321 // a limit that root without CAP_SYS_RESOURCE can't set on others' processes
	s, err := isolation.New(t.Context(), isolation.Config{Mode: jail.Process, Data: data, Dir: filepath.Join(data, "jails"), Admit: func(string) func(int) error {
		return func(pid int) error { return child.Rlimits{syscall.RLIMIT_NOFILE: files}.Put(pid) }
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if got := s.Status(); !got.Users || got.Reason != "" {
		t.Fatalf("%+v", got)
	}
	work := filepath.Join(data, "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	sb := isolation.Sandbox{ID: "a", Work: work, UID: jail.UserBase + 1000 + os.Getpid()}
	left := exec.Command("sleep", "600")
	left.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(sb.UID), Gid: uint32(sb.UID)}}
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	j, err := s.Jail(t.Context(), sb)
	if err != nil {
		_ = left.Process.Kill()
		t.Fatal(err)
	}
	if err := left.Wait(); err == nil {
		t.Error("what was left has ended by itself")
	}
	p, err := child.Start(t.Context(), child.Spec{Path: "/bin/sh", Args: []string{"-c", "id -u > who; ulimit -n >> who; kill -0 1"}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: work, Jail: j})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if who, err := os.ReadFile(filepath.Join(work, "who")); err != nil || string(who) != fmt.Sprintf("%d\n%d\n", sb.UID, files) || p.Exit().Code == 0 {
		t.Errorf("%s %v %s", who, err, p.Exit())
	}
}
