package hostile_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hotcell/e2e/program"
)

const onAMD64 = runtime.GOARCH == "amd64"

// The secrets: one of another sandbox's files, one of its variables, one of the
// server's, one of this machine's that only root may read.
const (
	secretFile = "the-secret-in-a-file-of-the-victim"
	secretEnv  = "the-secret-in-a-variable-of-the-victim"
	secretOurs = "the-secret-in-a-variable-of-the-server"
	secretHost = "the-secret-in-a-file-of-the-machine"
)

// scene is a server with a sandbox that is at work, and what others are after.
type scene struct {
	*program.Program
	*common
	box string // that of who tries
}

// common is what all attempts share.
type common struct {
	kind   kind
	alone  *sync.Mutex // held by who uses up what all share
	victim string      // another sandbox's id
	work   string      // its directory
	host   string      // a file of the machine's that isn't the system's
	socket string      // one that is a file, and to which everybody may connect
	name   string      // an abstract one
	near   *neighbour
	before string // what must not change
}

// secrets are what nobody may read.
func (s *scene) secrets() []string {
	return []string{secretFile, secretEnv, secretOurs, secretHost, s.Key}
}

func newScene(t *testing.T, k kind, path string, alone *sync.Mutex) *scene {
	t.Helper()
	env := []string{"HOTCELL_TEST_SECRET=" + secretOurs}
	flags := []string{"--isolation", k.mode, "--log-level", "error", "--max-contexts", "60", "--warm", "1"}
	if k.namespaces() {
		if _, err := exec.LookPath("bwrap"); err != nil {
			t.Skip("bubblewrap is not installed")
		}
	}
	if k.users && !k.namespaces() && os.Geteuid() != 0 {
		t.Skip("only root can give users to sandboxes")
	}
	if k.users && !k.namespaces() && !k.reaches {
		// The Python of `make setup` may lie where no other user gets to.
		flags = append(flags, "--python", commonPython(t))
		// The same is so of Go's cache. Without Go its programs are interpreted.
		env = append(env, "PATH=/usr/bin:/bin", "GOCACHE="+t.TempDir())
	}
	passable(t)
	start := path
	if k.mode == "process" && !k.users && os.Geteuid() == 0 {
		start = without(t, path)
	}
	s := &scene{common: &common{kind: k, alone: alone}, Program: program.LaunchWith(t, env, start, t.TempDir(), flags...)}
	s.Path = path
	s.near = &neighbour{s: s}
	got := s.isolation(t)
	if k.mode == "process" && os.Geteuid() == 0 && k.reaches != strings.Contains(got.Reason, "capability") {
		t.Skipf("in force is %+v", got) // every user gets to the interpreters, or root has no such capability
	}
	if got.Mode != k.mode || k.users != got.Users {
		t.Fatalf("in force is %+v", got)
	}
	s.prepare(t)
	return s
}

// without starts a program as a root that can't pass on the right to reach files.
func without(t *testing.T, path string) string {
	t.Helper()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip(err)
	}
	script := filepath.Join(t.TempDir(), "without")
	text := fmt.Sprintf("#!/bin/sh\nexec %s --bounding-set -dac_read_search %s \"$@\"\n", setpriv, path)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return script
}

// commonPython is one that all users reach: the system's, with the libraries that
// the tests' has.
func commonPython(t *testing.T) string {
	t.Helper()
	const system = "/usr/bin/python3"
	ask := func(python, what string) string {
		out, err := exec.Command(python, "-c", "import sys, sysconfig; print("+what+")").Output()
		if err != nil {
			t.Skipf("%s: %v", python, err)
		}
		return strings.TrimSpace(string(out))
	}
	ours, version := os.Getenv("HOTCELL_PYTHON"), "sys.version_info[:2]"
	if ours == "" || ask(ours, version) != ask(system, version) {
		t.Skipf("%s is none that all users reach, and %s is another one", ours, system)
	}
	dir := t.TempDir()
	lib := filepath.Join(dir, "lib", "python"+ask(system, `f"{sys.version_info[0]}.{sys.version_info[1]}"`))
	err := errors.Join(os.MkdirAll(filepath.Join(dir, "bin"), 0o755), os.MkdirAll(lib, 0o755),
		os.Symlink(system, filepath.Join(dir, "bin", "python")),
		os.Symlink(ask(ours, `sysconfig.get_path("purelib")`), filepath.Join(lib, "site-packages")),
		os.WriteFile(filepath.Join(dir, "pyvenv.cfg"), []byte("home = /usr/bin\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bin", "python")
}

// passable lets other users get to the test's temporary directories.
func passable(t *testing.T) {
	t.Helper()
	for dir := t.TempDir(); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// inForce is what the server says of isolation.
type inForce struct {
	Mode, Reason string
	Users        bool
}

func (s *scene) isolation(t *testing.T) inForce {
	t.Helper()
	var status struct{ Isolation inForce }
	s.must(t, "GET", "/v1/status", nil, &status)
	return status.Isolation
}

// workDir is a sandbox's directory.
func (s *scene) workDir(box string) string { return filepath.Join(s.Data, "sandboxes", box, "work") }

// prepare puts there what others are after.
func (s *scene) prepare(t *testing.T) {
	t.Helper()
	s.victim = s.newSandbox(t)
	s.work = s.workDir(s.victim)
	s.must(t, "POST", "/toolbox/"+s.victim+"/env", map[string]any{"env": map[string]string{"SECRET": secretEnv}}, nil)
	if told, err := command(s, s.victim, "echo "+secretFile+" > file && chmod 644 file", nil); err != nil || told != "" {
		t.Fatal(err, told)
	}
	dir := t.TempDir()
	s.host, s.socket = filepath.Join(dir, "of-the-machine"), filepath.Join(dir, "socket")
	s.name = fmt.Sprintf("hotcell-hostile-%d", s.Pid)
	for path, text := range map[string]string{s.host: secretHost, filepath.Join(s.Data, "api-key"): s.Key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{s.socket, "@" + s.name} {
		ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
	}
	for _, name := range []string{s.socket + "-too", "@" + s.name + "-too"} {
		letters, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = letters.Close() })
	}
	for _, path := range []string{s.socket, s.socket + "-too"} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s.near.move(t)
	s.before = s.outside(t)
}

// newSandbox makes a sandbox and returns its id.
func (s *scene) newSandbox(t *testing.T) string {
	t.Helper()
	var made struct{ ID string }
	s.must(t, "POST", "/api/sandbox", map[string]any{}, &made)
	return made.ID
}

// outside is how everything stands that must not change.
func (s *scene) outside(t *testing.T) string {
	t.Helper()
	var said strings.Builder
	for _, path := range []string{
		filepath.Join(s.work, "file"), filepath.Join(s.Data, "api-key"), s.host, s.Path, "/etc/passwd", "/etc/shadow", "/bin/sh",
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper",
	} {
		content, err := os.ReadFile(path)
		fmt.Fprintf(&said, "%s %x %v\n", path, sha256.Sum256(content), err)
	}
	return said.String()
}

// unchanged checks that nothing outside was written to, and that the same processes
// are there.
func (s *scene) unchanged(t *testing.T) {
	t.Helper()
	if now := s.outside(t); now != s.before {
		t.Errorf("before\n%s\nand now\n%s", s.before, now)
	}
	if made, err := filepath.Glob("/*/hotcell-hostile*"); err != nil || len(made) > 0 {
		t.Errorf("there is %q", made)
	}
	s.near.same(t)
}

// words puts what is meant in the place of names in capitals.
func (s *scene) words(text string) string {
	return strings.NewReplacer(
		"VICTIMID", s.victim, "VICTIM", s.work, "DATA", s.Data, "HOSTFILE", s.host, "LISTENER", s.socket, "ABSTRACT", s.name,
		"SERVER", strconv.Itoa(s.Pid), "NEIGHBOUR", strconv.Itoa(s.near.pid), "PROGRAM", s.Path, "INTERPRETER", interpreter(), "PRIVATE", private(), "URL", s.URL,
	).Replace(text)
}

// interpreter is the directory of the Python in use, which all may read, wherever it is.
func interpreter() string {
	return filepath.Dir(filepath.Dir(os.Getenv("HOTCELL_PYTHON")))
}

// private are the files below /etc that not everybody may read. Code that can't list
// /etc may know their names.
func private() string {
	names := []string{"/etc/shadow"}
	_ = filepath.WalkDir("/etc", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // the rest is enough
		}
		if st, err := d.Info(); err == nil && st.Mode().Perm()&0o004 == 0 && !strings.ContainsAny(path, " '\"$") {
			names = append(names, path)
		}
		return nil
	})
	return strings.Join(names, " ")
}
