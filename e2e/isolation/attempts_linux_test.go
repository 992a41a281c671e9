package isolation_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/jail"
)

// attempt is something that code must not get away with. Its shell text ends with
// status 0 if it did.
type attempt struct{ name, text string }

// attempts are the same in each mode. SECRET is a file of the server's, OTHER another
// sandbox's work directory, SERVER and INIT numbers of processes, as far as those
// inside can tell, ABSTRACT a socket's name.
func attempts() []attempt {
	python := func(code string) string { return "python3 -c '" + code + "'" }
	call := func(what string) string {
		return python("import ctypes,sys; l=ctypes.CDLL(None,use_errno=True); sys.exit(0 if l.syscall(" + what + ") >= 0 else 1)")
	}
	return []attempt{
		{"read the server's key", "cat SECRET"},
		{"list the data directory", "ls DATA | grep -v '^sandboxes$' | grep -v jails | grep ."},
		{"read what the server keeps", "cat DATA/server.json || ls DATA/journal/* || ls DATA/records/*"},
		{"read another sandbox's file", "cat OTHER/mine"},
		{"write into another sandbox", "echo x > OTHER/yours"},
		{"link another sandbox's file", "ln OTHER/mine stolen"},
		{"read it through a link", "ln -sf OTHER/mine link && cat link"},
		{"read shadow", "cat /etc/shadow"},
		{"write to the system", "echo x > /etc/hotcell-test || echo x > /usr/hotcell-test || echo x > /hotcell-test"},
		{"write to the interpreter", "touch $(python3 -c 'import os; print(os.path.dirname(os.__file__))')/planted.py"},
		{"read the server's environment", "cat /proc/SERVER/environ | grep -q HOTCELL_TEST_SECRET"},
		{"read the server's memory", "head -c 1 /proc/SERVER/mem; cat /proc/SERVER/maps | grep ."},
		{"list what the server has open", "readlink /proc/SERVER/fd/0 || readlink /proc/SERVER/cwd || readlink /proc/SERVER/exe"},
		{"the first process's environment", "cat /proc/INIT/environ"},
		{"the first process's descriptors", "readlink /proc/INIT/fd/3"},
		{"the first process's memory", "cat /proc/INIT/maps | grep ."},
		{"signal the server", "kill -0 SERVER && tr '\\0' ' ' < /proc/SERVER/cmdline | grep -q SERVERNAME"},
		{"trace the server", call("101, 16, SERVER, 0, 0")},
		{"trace the first process", call("101, 16, INIT, 0, 0")},
		{"take a descriptor of the first process", python("import os,ctypes,sys; p=os.pidfd_open(INIT); sys.exit(0 if ctypes.CDLL(None).syscall(438,p,3,0)>=0 else 1)")},
		{"mount", "mount -t tmpfs none /tmp"},
		{"a user namespace", "unshare -U true"},
		{"a mount namespace", "unshare -m true"},
		{"clone with one", call("56, 0x10000011, 0, 0, 0, 0")},
		{"clone3", call("435, 0, 0")},
		{"setns", call("308, 0, 0")},
		{"become root", python("import os; os.setuid(0) if os.getuid() else os.setgroups([1])")},
		{"su", "su -c true </dev/null"},
		{"a device", "mknod disk b 254 0"},
		{"the kernel's keys", call("250, 0, -3, 1, 0, 0")},
		{"bpf", call("321, 0, 0, 0")},
		{"io_uring", call("425, 1, 0")},
		{"userfaultfd", call("323, 0")},
		{"the numbers of x32", call("0x40000000 + 39")},
		{"a packet socket", python("import socket; socket.socket(17, socket.SOCK_RAW)")},
		{"a socket to the machine outside", python("import socket; socket.socket(40, socket.SOCK_STREAM)")},
		{"an abstract socket of the host's", python(`import socket; socket.socket(socket.AF_UNIX).connect("\\0ABSTRACT")`)},
		{"a socket of the host's", python(`import socket; socket.socket(socket.AF_UNIX).connect("SOCKET")`)},
		{"a core", "ulimit -c unlimited"},
		{"change core_pattern", "echo x > /proc/sys/kernel/core_pattern"},
		{"sysrq", "echo h > /proc/sysrq-trigger"},
		{"type into the terminal", python("import fcntl; fcntl.ioctl(0, 0x5412, b\"x\")") + " </dev/null 2>&1 | grep -q Inappropriate"},
		{"change the server's program", "true >> PROGRAM"},
		{"make a program of root's", "cp /bin/sh own && chmod 4755 own && [ $(stat -c %u own) = 0 ]"},
	}
}

func TestAttempts(t *testing.T) {
	t.Setenv("HOTCELL_TEST_SECRET", "1")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "nobody's business")
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			s := serve(t, mode, jail.Host)
			mine, other := "default", sandbox(t, s)
			if _, code := sh(t, s, other, "echo secret > mine"); code != 0 {
				t.Fatal("the other sandbox can't write to its own directory")
			}
			secret := filepath.Join(s.DataDir, "api-key")
			if err := os.WriteFile(secret, []byte("the key"), 0o600); err != nil {
				t.Fatal(err)
			}
			words := map[string]string{
				"SECRET": secret, "DATA": s.DataDir, "OTHER": s.Sandboxes.WorkDir(other),
				"SERVERNAME": filepath.Base(os.Args[0]), "SERVER": fmt.Sprint(os.Getpid()), "INIT": "1",
				"ABSTRACT": listen(t, "\x00hotcell-test-"+fmt.Sprint(os.Getpid())+string(mode))[1:],
				"PROGRAM":  ownProgram(t),
				"SOCKET":   listen(t, filepath.Join(t.TempDir(), "socket")),
			}
			place := s.Place(t, mine)
			j, ok := place.Jail.(*jail.Jail)
			if !ok {
				t.Fatalf("it is a %T", place.Jail)
			}
			if mode == jail.Process {
				words["INIT"] = fmt.Sprint(j.Pid())
			}
			out, _ := sh(t, s, mine, "env")
			if strings.Contains(out, "SECRET") {
				t.Errorf("the server's variables are there: %s", out)
			}
			for _, a := range attempts() {
				text := a.text
				for _, word := range []string{"SERVERNAME", "SECRET", "DATA", "OTHER", "SERVER", "INIT", "ABSTRACT", "SOCKET", "PROGRAM"} {
					text = strings.ReplaceAll(text, word, words[word])
				}
				if out, code := sh(t, s, mine, text); code == 0 {
					t.Errorf("%s: %s: it succeeded: %s", a.name, text, out)
				}
			}
			if out, code := sh(t, s, mine, "cat mine; ls -la; exec 2>&1; id"); code != 0 {
				t.Error(out)
			}
			for _, path := range []string{"/etc/hotcell-test", "/usr/hotcell-test", "/hotcell-test"} {
				if _, err := os.Stat(path); err == nil {
					t.Errorf("%s is there", path)
				}
			}
		})
	}
}

// ownProgram is the path of our own.
func ownProgram(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// listen opens a socket of the host's, to which everybody may connect.
func listen(t *testing.T, name string) string {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: strings.Replace(name, "\x00", "@", 1), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return name
}
