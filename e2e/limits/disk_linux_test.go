package limits_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
	"hotcell/internal/disk"
	"hotcell/internal/jail"
	"hotcell/internal/wire"
	"hotcell/sandboxes"
	"hotcell/sandboxes/limits"
)

const fillDisk = `
with open("large", "wb") as f:
    while True: f.write(b"0123456789abcdef" * 65536)
`

// TestFullDisk is filled, whatever is around the sandbox: its author is told, nobody
// else notices, and it goes on when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, mode := range []jail.Mode{jail.None, jail.Process, jail.Namespace} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t, testserver.WithIsolation(mode, jail.Host), testserver.WithLimits(limits.Config{Sandbox: limits.Limits{Disk: 64 * mib}}))
			if f := s.Limits.Status().Disk; f.Mechanism == disk.None {
				t.Skipf("nothing bounds files here: %+v", f)
			}
			id, other := sandbox(t, s, sandboxes.Limits{Disk: 32 * mib}), sandbox(t, s, sandboxes.Limits{})
			e, beside := newContext(t, s, id, "python"), newContext(t, s, other, "python")
			const words = "isk full: what is in the work directory has reached the sandbox's limit of 32 MiB"
			ex := begin(t, e, fillDisk)
			neighbour(t, beside, ex.Done())
			o := finish(t, ex)
			if o.status != wire.StatusError || !strings.Contains(o.failure.Value, "No space left on device") || !strings.Contains(o.notices, words) {
				t.Errorf("%+v %+v", o, o.failure)
			}
			if o := run(t, e, "1+1"); o.status != wire.StatusOK || o.notices != "" {
				t.Errorf("it was told already: %+v", o)
			}
			status, a := post(t, s, id, "/process/execute", map[string]any{"command": "head -c 4M /dev/zero > more"})
			if text, _ := a["result"].(string); status != 200 || a["exitCode"] == 0.0 || !strings.Contains(text, words) {
				t.Errorf("a command: %d %v", status, a)
			}
			if text, _, err := s.Metrics.Text(); err != nil || !strings.Contains(string(text), `limits_hit_total{kind="disk_full"}`) {
				t.Errorf("the figures don't tell: %v", err)
			}
			if status, a := upload(t, s, id, "uploaded", 4*mib); status != http.StatusInsufficientStorage || a["code"] != "DISK_FULL" {
				t.Errorf("an upload: %d %v", status, a)
			}
			if o := run(t, beside, "open('mine', 'wb').write(bytes(8 << 20))"); o.status != wire.StatusOK || o.notices != "" {
				t.Errorf("a neighbour: %+v", o)
			}
			if mode == jail.Process { // which has no other /tmp
				run(t, e, "import os\nos.remove('large')")
				o := run(t, e, "import tempfile\nf = tempfile.TemporaryFile()\nwhile True: f.write(bytes(1 << 20))")
				if o.status != wire.StatusError || !strings.Contains(o.notices, words) {
					t.Errorf("temporary files: %+v", o)
				}
				run(t, e, "f.close()")
			}
			if o := run(t, e, "import glob, os\nfor f in glob.glob('*'): os.remove(f)\nopen('new', 'w').write('fine')"); o.status != wire.StatusOK || o.notices != "" {
				t.Errorf("afterwards: %+v %+v", o, o.failure)
			}
		})
	}
}

// TestDiskOfStopped is away while its sandbox is stopped, and there again afterwards.
func TestDiskOfStopped(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithLimits(limits.Config{Sandbox: limits.Limits{Disk: 32 * mib}}))
	if f := s.Limits.Status().Disk; f.Mechanism != disk.Image {
		t.Skipf("no images here: %+v", f)
	}
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Intervals: sandboxes.Intervals{AutoDelete: -1}})
	if err != nil {
		t.Fatal(err)
	}
	id := sb.ID
	newRun := func(code string) ended {
		e, err := s.Sandboxes.Enter(id)
		if err != nil {
			t.Fatal(err)
		}
		return run(t, newContext(t, s, e.ID, "python"), code)
	}
	newRun("open('kept', 'w').write('x')")
	if _, err := s.Sandboxes.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(s.Sandboxes.WorkDir(id)); len(left) != 0 {
		t.Errorf("stopped, its files are still shown: %v", left)
	}
	if _, err := s.Sandboxes.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if o := newRun("print(open('kept').read())"); o.output != "x\n" {
		t.Errorf("%+v %+v", o, o.failure)
	}
	if _, err := s.Sandboxes.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(s.Sandboxes.WorkDir(id))), "*"+id+"*")); len(left) != 0 {
		t.Errorf("deleted, it is still there: %v %v", left, err)
	}
}

// TestDiskOfKilledServer is found again by the next one, which begins with none mounted.
func TestDiskOfKilledServer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount images")
	}
	path, data := program.Build(t), t.TempDir()
	flags := []string{"--sandbox-disk", "32MiB", "--isolation", "auto", "--warm", "1"}
	p := program.Launch(t, path, data, flags...)
	if _, a := execute(t, p, "echo kept > file; df --output=size -m . | tail -1"); a["exitCode"] != 0.0 {
		t.Fatalf("%v", a)
	}
	p.Kill(t)
	if mountedBelow(t, data) == 0 {
		t.Log("nothing was left") // if this is a quota
	}
	p = program.Launch(t, path, data, flags...)
	if n := mountedBelow(t, data); n != 0 {
		t.Errorf("%d mounts are left", n)
	}
	if _, a := execute(t, p, "cat file"); a["result"] != "kept\n" {
		t.Errorf("%v", a)
	}
}

// TestDiskWithAJailMadeAhead: one that was made before anybody asked for a limit isn't
// used, since it shows the directory as it was.
func TestDiskWithAJailMadeAhead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount images")
	}
	p := program.Start(t, "--isolation", "auto", "--warm", "2")
	first, second := made(t, p, `{"name":"first","disk":1}`), made(t, p, `{"name":"second"}`)
	if _, a := executeIn(t, p, first, "echo kept > file; df --output=size -m . | tail -1"); a["exitCode"] != 0.0 {
		t.Fatalf("%v", a)
	} else if n, err := strconv.Atoi(strings.TrimSpace(fmt.Sprint(a["result"]))); err != nil || n > 1100 { // with what the file system needs itself
		t.Errorf("its disk has %v MiB: %v", a["result"], err)
	}
	if _, a := executeIn(t, p, second, "ls -A"); a["exitCode"] != 0.0 || a["result"] != "" {
		t.Errorf("without a limit: %v", a)
	}
	for _, do := range []string{"stop", "start"} {
		call(t, p, http.MethodPost, "/api/sandbox/"+first+"/"+do, "")
	}
	if _, a := executeIn(t, p, first, "cat file"); a["result"] != "kept\n" {
		t.Errorf("started again: %v", a)
	}
}

// made makes a sandbox and returns its id.
func made(t *testing.T, p *program.Program, spec string) string {
	t.Helper()
	status, a := call(t, p, http.MethodPost, "/api/sandbox", spec)
	id, ok := a["id"].(string)
	if !ok {
		t.Fatalf("%d %v", status, a)
	}
	return id
}

func execute(t *testing.T, p *program.Program, command string) (int, map[string]any) {
	t.Helper()
	return executeIn(t, p, "default", command)
}

func executeIn(t *testing.T, p *program.Program, sandbox, command string) (int, map[string]any) {
	t.Helper()
	return call(t, p, http.MethodPost, "/toolbox/"+sandbox+"/process/execute", `{"command":"`+command+`"}`)
}

func call(t *testing.T, p *program.Program, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Key)
	req.Header.Set("Content-Type", "application/json")
	return send(t, req)
}

func mountedBelow(t *testing.T, dir string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(table), " "+dir+"/")
}

// upload sends a file of zeros into the work directory.
func upload(t *testing.T, s *testserver.Server, sandbox, name string, size int64) (int, map[string]any) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(part, bytes.NewReader(make([]byte, size))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/toolbox/"+sandbox+"/files/upload?path="+name, &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", w.FormDataContentType())
	return send(t, req)
}
