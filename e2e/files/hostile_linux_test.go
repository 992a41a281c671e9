package files_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/jail"
)

// secret is what no answer may hold: it stands in all that is none of the
// sandbox's business.
const secret = "the-secret-of-somebody-else"

// attack is one attempt: what the code does, then a request of its client's, or a
// client's alone. It is refused, unless it says what it gets.
type attack struct {
	name    string
	code    string
	request string
	gets    string // what is in the answer; empty: it is refused
	// landlock is what Landlock alone doesn't keep away, where sandboxes have the
	// server's own user: that something is there, and who may do what with it.
	landlock bool
}

func attacks() []attack {
	return []attack{
		{"another's file", "", "GET /download?path=VICTIM/file", "", false},
		{"another's file, from below", "", "GET /download?path=../../victim/../../VICTIM/file", "", false},
		{"another's file, by climbing", "", "GET /download?path=WORK/../../../../../../../../../VICTIM/file", "", false},
		{"another's file, by a link", "ln -s VICTIM/file l1", "GET /download?path=l1", "", false},
		{"another's directory, by a link", "ln -s VICTIM l2", "GET /download?path=l2/file", "", false},
		{"by links one after the other", "ln -s / a; ln -s aVICTIM b; ln -s b/file c", "GET /download?path=c", "", false},
		{"by a link in the other name of the directory", "ln -s VICTIM/file l3", "GET /download?path=/workspace/l3", "", false},
		{"a list of another's", "", "GET ?path=VICTIM", "", false},
		{"a list of another's, by a link", "ln -s VICTIM l4", "GET ?path=l4/.", "", false},
		{"what another's file is", "", "GET /info?path=VICTIM/file", "", true},
		{"text in another's", "", "GET /find?path=VICTIM&pattern=secret", "", false},
		{"names in another's", "", "GET /search?path=VICTIM&pattern=*", "", false},
		{"several of others'", "ln -s VICTIM/file l6", `POST /bulk-download {"paths":["VICTIM/file","KEY","HOST","l6","/etc/shadow"]}`, `"statusCode"`, false},
		{"the server's key", "", "GET /download?path=KEY", "", false},
		{"the server's key, by a link", "ln -s KEY l7", "GET /download?path=l7", "", false},
		{"text in the server's data", "", "GET /find?path=DATA/api-key&pattern=secret", "", false},
		{"a file of this machine", "", "GET /download?path=HOST", "", false},
		{"the machine's passwords", "", "GET /download?path=/etc/shadow", "", false},
		{"the machine's passwords, by a link", "ln -s /etc/shadow l8", "GET /download?path=l8", "", false},
		{"a hard link to the passwords", "ln /etc/shadow l9 || true", "GET /download?path=l9", "", false},
		{"the server's environment", "", "GET /download?path=/proc/SERVER/environ", "", false},
		{"the server's root", "", "GET /download?path=/proc/SERVER/root/HOST", "", false},
		{"the server's descriptors", "", "GET ?path=/proc/SERVER/fd", "", true},
		{"the server's memory", "", "GET /download?path=/proc/SERVER/mem", "", false},
		{"the first process's root", "", "GET /download?path=/proc/1/root/HOST", "", false},
		{"the first process's environment", "", "GET /download?path=/proc/1/environ", "", false},
		{"the agent's own root", "", "GET /download?path=/proc/self/root/HOST", "", false},
		{"the agent's own directory", "", "GET /download?path=/proc/self/cwd/HOST", "", false},
		{"a link to the agent's own root", "ln -s /proc/self/root r; ln -s rKEY r2", "GET /download?path=r2", "", false},
		{"the agent's socket", "", "GET /download?path=/proc/self/fd/3", "", false},
		{"the agent's socket, to write to", "", "POST /upload-v2?path=/proc/self/fd/3 x", "", false},
		{"the agent's program", "", "POST /upload-v2?path=/proc/self/exe x", "", false},
		{"the agent's memory", "", "POST /upload-v2?path=/proc/self/mem x", "", false},
		{"a setting of the kernel's", "", "POST /upload-v2?path=/proc/sys/kernel/core_pattern |/bin/sh", "", false},
		{"a device's memory", "", "GET /download?path=/dev/mem", "", false},
		{"over another's file", "", "POST /upload-v2?path=VICTIM/file overwritten", "", false},
		{"beside another's file", "", "POST /upload-v2?path=VICTIM/new overwritten", "", false},
		{"over another's file, by a link", "ln -s VICTIM/file l10", "POST /upload-v2?path=l10 overwritten", "", false},
		{"beside another's file, by a link", "ln -s VICTIM l11", "POST /upload-v2?path=l11/new overwritten", "", false},
		{"a link to what isn't there yet", "ln -s VICTIM/new l12", "POST /upload-v2?path=l12 overwritten", "", false},
		{"over another's file, with several", "", "POST /bulk-upload VICTIM/file", "", false},
		{"over the machine's users", "", "POST /upload-v2?path=/etc/passwd root::0:0::/:/bin/sh", "", false},
		{"over a program", "", "POST /upload-v2?path=/bin/sh overwritten", "", false},
		{"a job of the machine's", "", "POST /upload-v2?path=/etc/cron.d/job overwritten", "", false},
		{"over the server's key", "ln -s KEY l13", "POST /upload-v2?path=l13 overwritten", "", false},
		{"a directory in another's", "", "POST /folder?path=VICTIM/new&mode=777", "", false},
		{"a directory of another's, deleted", "", "DELETE ?path=VICTIM&recursive=true", "", false},
		{"what is behind a link, deleted", "ln -s VICTIM l14", "DELETE ?path=l14/file", "", false},
		{"all others', deleted", "", "DELETE ?path=VICTIM/../..&recursive=true", "", false},
		{"the work directory, deleted", "", "DELETE ?path=.&recursive=true", "", false},
		{"its other name, deleted", "", "DELETE ?path=/workspace&recursive=true", "", false},
		{"its other name, moved", "", "POST /move?source=/workspace&destination=/tmp/w", "", false},
		{"another's file, moved here", "", "POST /move?source=VICTIM/file&destination=stolen", "", false},
		{"moved over another's file", "echo x > mine", "POST /move?source=mine&destination=VICTIM/file", "", false},
		{"moved by a link", "ln -s VICTIM l15; echo x > mine", "POST /move?source=mine&destination=l15/file", "", false},
		{"into itself by its other name", "mkdir -p d/e", "POST /move?source=d&destination=/workspace/d/e/f", "", false},
		{"another's file, opened to all", "", "POST /permissions?path=VICTIM/file&mode=777", "", true},
		{"the passwords, opened to all", "ln -s /etc/shadow l16", "POST /permissions?path=l16&mode=666", "", true},
		{"a file given to root", "echo x > mine", "POST /permissions?path=mine&owner=root&mode=4755", "", true},
		{"another's text replaced", "ln -s VICTIM/file l17", `POST /replace {"files":["l17","VICTIM/file","KEY"],"pattern":"secret","newValue":"x"}`, `"success":false`, false},
		{"a FIFO to read", "mkfifo p", "GET /download?path=p", "", false},
		{"a FIFO to write", "mkfifo q", "POST /upload-v2?path=q x", "", false},
		{"a FIFO by a link", "mkfifo p2; ln -s p2 p3", "GET /download?path=p3", "", false},
		{"text in FIFOs", "mkdir f; mkfifo f/p", "GET /find?path=f&pattern=x", "[]", false},
		{"text replaced in a FIFO", "mkfifo p4", `POST /replace {"files":["p4"],"pattern":"a","newValue":"x"}`, `"success":false`, false},
		{"a device", "", "GET /download?path=/dev/zero", "", false},
		{"a device by a link", "ln -s /dev/zero z", "GET /find?path=z&pattern=x", "", false},
		{"a device of its own", "mknod n b 8 0 2>/dev/null; true", "GET /download?path=n", "", false},
		{"links in a circle", "ln -s o1 o2; ln -s o2 o1", "GET /download?path=o1", "", false},
		{"links in a circle, to write", "ln -s o3 o4; ln -s o4 o3", "POST /upload-v2?path=o3 x", "", false},
		{"a file that says it is huge", "truncate -s 1T huge", `POST /replace {"files":["huge"],"pattern":"a","newValue":"x"}`, "64 MiB", false},
		{"a name too long", "", "GET /download?path=" + strings.Repeat("n", 300), "", false},
		{"a path too long", "", "GET /download?path=" + strings.Repeat("d/", 2100), "", false},
		{"a NUL", "", "GET /download?path=file\x00.txt", "", false},
	}
}

// TestHostileCode tries what code of a sandbox and its client can try together to
// have the server reach for what isn't the sandbox's.
func TestHostileCode(t *testing.T) { eachBoundary(t, hostile) }

func hostile(t *testing.T, sc *scene) {
	t.Helper()
	before := sc.outside(t)
	for _, a := range attacks() {
		if a.landlock && sc.mode == jail.Process && !sc.users {
			continue
		}
		if a.code != "" {
			sc.sh(t, a.code)
		}
		began := time.Now()
		got := sc.ask(t, a.request)
		took := time.Since(began)
		switch {
		case strings.Contains(got.body, secret):
			t.Errorf("%s: %d %.300s", a.name, got.status, got.body)
		case a.gets == "" && (got.status < 400 || got.status >= 500):
			t.Errorf("%s: it isn't refused: %d %.300s", a.name, got.status, got.body)
		case a.gets != "" && (got.status != http.StatusOK || !strings.Contains(got.body, a.gets)):
			t.Errorf("%s: %d %.300s, want %s", a.name, got.status, got.body, a.gets)
		case a.gets == "" && len(got.message(t)) < 10:
			t.Errorf("%s: it isn't told: %s", a.name, got.body)
		case took > patience:
			t.Errorf("%s: it took %s", a.name, took)
		}
		if after := sc.outside(t); after != before {
			t.Fatalf("%s: %d %s; outside it was\n%s\nand is\n%s", a.name, got.status, got.body, before, after)
		}
	}
	connect(t, sc.Server).alive()
}

// TestTheSameView: what a client sees and does is what the code does.
func TestTheSameView(t *testing.T) {
	eachBoundary(t, func(t *testing.T, sc *scene) {
		t.Helper()
		var list []struct{ Name, Owner string }
		sc.sh(t, "mkdir sub; echo of-the-code > sub/f")
		if a := sc.ask(t, "GET /download?path=sub/f"); a.body != "of-the-code\n" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := sc.ask(t, "POST /upload-v2?path=WORK/new/g of-the-client"); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		if got := sc.sh(t, "cat new/g; echo more >> new/g; rm -r new"); !strings.HasPrefix(got, "of-the-client") {
			t.Error(got)
		}
		if a := sc.ask(t, "GET ?path=."); json.Unmarshal([]byte(a.body), &list) != nil || len(list) != 1 || list[0].Owner == "root" && sc.users {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := sc.ask(t, "POST /permissions?path=sub&mode=700"); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := sc.ask(t, "GET /find?path=/etc/hostname&pattern=a"); a.status >= 400 && a.status != http.StatusNotFound {
			t.Errorf("what everybody may read: %d %s", a.status, a.body)
		}
		if sc.mode != jail.Namespace {
			return
		}
		if a := sc.ask(t, "POST /upload-v2?path=/workspace/w there"); a.status != http.StatusOK || content(t, sc.Server, "w") != "there" {
			t.Errorf("the other name: %d %s", a.status, a.body)
		}
		if a := sc.ask(t, "POST /move?source=/workspace/w&destination=WORK/moved"); a.status != http.StatusOK || content(t, sc.Server, "moved") != "there" {
			t.Errorf("from one name to the other: %d %s", a.status, a.body)
		}
		name := filepath.Base(t.TempDir()) + "-" + filepath.Base(sc.DataDir) + fmt.Sprint(os.Getpid())
		if a := sc.ask(t, "POST /upload-v2?path=/tmp/"+name+" private"); a.status != http.StatusOK {
			t.Errorf("/tmp: %d %s", a.status, a.body)
		}
		if got := sc.sh(t, "cat /tmp/"+name); got != "private" {
			t.Error(got)
		}
		if _, err := os.Stat("/tmp/" + name); !os.IsNotExist(err) {
			t.Errorf("the file is in this machine's /tmp: %v", err)
		}
		if a := sc.ask(t, "GET /search?path=/tmp&pattern=*"); strings.Contains(a.body, "of-the-host") {
			t.Errorf("/tmp is not private: %s", a.body)
		}
	})
}

// TestSwappedWhileAtWork: the code swaps a directory and a link to another's while
// its client's requests go through them.
func TestSwappedWhileAtWork(t *testing.T) {
	eachBoundary(t, func(t *testing.T, sc *scene) {
		t.Helper()
		before := sc.outside(t)
		sc.sh(t, "mkdir d; echo mine > d/file; ln -s VICTIM l; echo mine > f; ln -s VICTIM/file g")
		for _, pair := range [][2]string{{"d", "l"}, {"f", "g"}} {
			p, out := sc.begin(t, "/proc/self/exe", "inside", "swap", pair[0], pair[1])
			if _, err := out.Read(make([]byte, 100)); err != nil { // it has begun
				t.Fatal(err)
			}
			fine := 0
			for _, request := range []string{
				"GET /download?path=d/file", "GET /download?path=f", `POST /bulk-download {"paths":["d/file","f"]}`, "GET ?path=d",
				"GET /info?path=d/file", "GET /find?path=d&pattern=secret", "GET /search?path=.&pattern=*", "POST /upload-v2?path=d/file mine",
				"POST /upload-v2?path=f mine", "POST /upload-v2?path=d/more/new mine", "POST /bulk-upload d/bulk", "POST /folder?path=d/folder",
				`POST /replace {"files":["d/file","f"],"pattern":"mine","newValue":"mine"}`, "POST /permissions?path=d/file&mode=644",
				"POST /move?source=d/file&destination=d/moved", "POST /move?source=d/moved&destination=d/file", "DELETE ?path=d/more&recursive=true",
				"DELETE ?path=d/folder&recursive=true",
			} {
				for range 25 {
					a := sc.ask(t, request)
					if strings.Contains(a.body, secret) || a.status >= 500 {
						t.Errorf("%s: %d %.300s", request, a.status, a.body)
					}
					if a.status < 300 {
						fine++
					}
				}
			}
			_ = p.Signal(os.Kill)
			<-p.Done()
			_ = out.Close()
			t.Logf("%v: %d of 450 went well", pair, fine)
			if fine == 0 {
				t.Error("no request was in time")
			}
		}
		if after := sc.outside(t); after != before {
			t.Errorf("outside it was\n%s\nand is\n%s", before, after)
		}
	})
}

// TestNoSpace: a disk that is full is told, and what was there stays.
func TestNoSpace(t *testing.T) {
	eachBoundary(t, func(t *testing.T, sc *scene) {
		t.Helper()
		// The boundary is made with the first use of the sandbox.
		if err := syscall.Mount("tmpfs", sc.work, "tmpfs", 0, "size=256k"); err != nil {
			t.Skipf("no small file system can be mounted: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(sc.work, syscall.MNT_DETACH) })
		sc.sh(t, "echo old > f")
		large := strings.Repeat("x", 4<<20)
		for _, request := range []string{"POST /upload-v2?path=f ", "POST /upload-v2?path=new/f "} {
			c := connect(t, sc.Server)
			c.head("POST", "/toolbox/default/files"+strings.Fields(request)[1], length(len(large)))
			_, _ = c.conn.Write([]byte(large)) // the answer may come before its end
			if a := c.answer(); a.status != http.StatusInsufficientStorage || !strings.Contains(a.message(t), "no space") {
				t.Errorf("%s: %d %s", request, a.status, a.body)
			}
		}
		if got := sc.sh(t, "cat f; ls -A"); got != "old\nf\n" {
			t.Errorf("left: %q", got)
		}
		if a := sc.ask(t, "POST /upload-v2?path=f new"); a.status != http.StatusOK {
			t.Errorf("afterwards: %d %s", a.status, a.body)
		}
	})
}

// TestManyEntries in a directory are refused, and searched only so far.
func TestManyEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes very many files")
	}
	eachBoundary(t, func(t *testing.T, sc *scene) {
		t.Helper()
		sc.run(t, "/proc/self/exe", "inside", "fill", "many", "120000")
		for request, status := range map[string]int{
			"GET ?path=many": 422, "GET /search?path=.&pattern=*": 200, "GET /find?path=.&pattern=x": 200, "GET ?path=.": 200,
		} {
			if a := sc.ask(t, request); a.status != status {
				t.Errorf("%s: %d %.200s", request, a.status, a.body)
			}
		}
		if a := sc.ask(t, "DELETE ?path=many&recursive=true"); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}
