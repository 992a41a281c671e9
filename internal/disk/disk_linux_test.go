package disk_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hotcell/internal/disk"
)

const mib = 1 << 20

// open opens a set of images, or skips the test where none can be mounted.
func open(t *testing.T, dir string, usual int64) *disk.Set {
	t.Helper()
	s := disk.Open(disk.Config{Dir: dir, Scratch: scratch(t, dir), Usual: usual})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if f := s.Settle(); f.Mechanism != disk.Image {
		t.Skipf("no images here: %+v", f)
	}
	return s
}

func scratch(t *testing.T, dir string) string {
	t.Helper()
	scratch := filepath.Join(dir, "scratch")
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	return scratch
}

// home makes a sandbox's directory.
func home(t *testing.T, dir, name string) string {
	t.Helper()
	home := filepath.Join(dir, "sandboxes", name)
	if err := os.MkdirAll(filepath.Join(home, "work"), 0o755); err != nil {
		t.Fatal(err)
	}
	return home
}

func attach(t *testing.T, s *disk.Set, home string, size int64) disk.Used {
	t.Helper()
	if err := s.Attach(disk.Volume{Home: home, Size: size}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	return s.Used(home)
}

// fill writes until it can't, and says how much that was.
func fill(t *testing.T, path string) (int64, error) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	block := bytes.Repeat([]byte("0123456789abcdef"), mib/16)
	for n := range int64(4096) {
		if w, err := f.Write(block); err != nil {
			return n*mib + int64(w), err
		}
	}
	t.Fatal("there is no end")
	return 0, nil
}

func mounts(t *testing.T, dir string) (n int) {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(table), " "+dir+"/")
}

// TestImage is a disk that can be filled, keeps what is in it, and bounds nobody else.
func TestImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 0)
	for _, size := range []int64{disk.Least, 100 * mib, 1024 * mib} {
		h := home(t, dir, "of-"+slog.Int64Value(size/mib).String())
		work := filepath.Join(h, "work")
		used := attach(t, s, h, size)
		if used.Full || used.Size <= size-4096 || used.Size > size {
			t.Errorf("%d MiB: %+v", size/mib, used)
		}
		if names, err := os.ReadDir(work); err != nil || len(names) != 0 {
			t.Errorf("%v %v", names, err)
		}
		n, err := fill(t, filepath.Join(work, "large"))
		t.Logf("%d MiB: %d KiB could be written, %d KiB are reported", size/mib, n>>10, used.Size>>10)
		if !errors.Is(err, syscall.ENOSPC) || n < size-mib || n > size+size/20+mib {
			t.Errorf("%d of %d bytes could be written: %v", n, size, err)
		}
		if !s.Used(h).Full {
			t.Error("nobody sees that it is full")
		}
		if err := os.Truncate(filepath.Join(work, "large"), 5); err != nil {
			t.Error(err)
		}
		if err := s.Detach(h); err != nil {
			t.Error(err)
		}
		if names, _ := os.ReadDir(work); len(names) != 0 {
			t.Errorf("detached, there is %v", names)
		}
		attach(t, s, h, size*2) // it keeps the size that it has
		if got, err := os.ReadFile(filepath.Join(work, "large")); string(got) != "01234" {
			t.Errorf("%q %v", got, err)
		}
		if again := s.Used(h); again.Size != used.Size || again.Full || again.Rooms != used.Rooms {
			t.Errorf("%+v, before %+v", again, used)
		}
	}
}

// TestKilledServer leaves its mounts behind. The next one takes them down, also where
// something still uses one, and finds what is in them.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := open(t, dir, 0)
	h := home(t, dir, "a")
	attach(t, old, h, disk.Least)
	held, err := os.Create(filepath.Join(h, "work", "held"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if n := mounts(t, dir); n != 2 {
		t.Fatalf("%d mounts", n)
	}
	again := open(t, dir, 0)
	if n := mounts(t, dir); n != 0 {
		t.Errorf("%d mounts are left", n)
	}
	if used := again.Used(h); used.Size != 0 {
		t.Errorf("%+v", used)
	}
	// The file system is still there, for whoever has the file. Two of one image would
	// destroy each other.
	attach(t, again, h, disk.Least)
	if _, err := held.WriteString("by the one who holds it"); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(h, "work", "held")); string(got) != "by the one who holds it" {
		t.Errorf("%q %v", got, err)
	}
	if err := again.Detach(h); err != nil {
		t.Error(err)
	}
}

// TestTriedWhenAsked: without a bound nothing is mounted, and nothing tried.
func TestTriedWhenAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_ = open(t, dir, 0) // skips the test where there are no images
	s := disk.Open(disk.Config{Dir: dir, Scratch: scratch(t, dir)})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h := home(t, dir, "a")
	if used := attach(t, s, h, 0); used.Size != 0 || s.Force().Mechanism != disk.None {
		t.Errorf("%+v %+v", used, s.Force())
	}
	if err := s.Detach(h); err != nil {
		t.Error(err)
	}
	if used := attach(t, s, h, disk.Least); used.Size == 0 || s.Force().Mechanism != disk.Image {
		t.Errorf("%+v %+v", used, s.Force())
	}
}

// TestClear lets a directory be removed in which a killed server has left a mount.
func TestClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := open(t, dir, 0)
	tried := filepath.Join(dir, "try-disk")
	if err := os.MkdirAll(filepath.Join(tried, "work"), 0o755); err != nil {
		t.Fatal(err)
	}
	attach(t, old, tried, disk.Least)
	if err := os.RemoveAll(tried); err == nil {
		t.Error("it could be removed without")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(disk.Clear(filepath.Join(link, "none"), slog.New(slog.DiscardHandler)), disk.Clear(link, slog.New(slog.DiscardHandler))); err != nil {
		t.Error(err)
	}
	if n := mounts(t, dir); n != 0 {
		t.Errorf("%d mounts are left", n)
	}
	if err := os.RemoveAll(tried); err != nil {
		t.Error(err)
	}
}

// TestRenamed is a sandbox that is being deleted.
func TestRenamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 0)
	h := home(t, dir, "a b") // which the kernel writes down otherwise
	attach(t, s, h, disk.Least)
	gone := filepath.Join(dir, "sandboxes", "gone")
	if err := os.Rename(h, gone); err != nil {
		t.Fatal(err)
	}
	if err := s.Detach(h); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(gone); err != nil || mounts(t, dir) != 0 {
		t.Error(err)
	}
}

// TestMayNot is a sandbox that is stopped while somebody wants to use it.
func TestMayNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 0)
	h, not := home(t, dir, "a"), errors.New("it is stopped")
	if err := s.Attach(disk.Volume{Home: h, Size: disk.Least}, func() error { return not }); !errors.Is(err, not) {
		t.Error(err)
	}
	if mounts(t, dir) != 0 {
		t.Error("it was mounted all the same")
	}
}

// TestOlder are sandboxes with files, which no limit may hide.
func TestOlder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 0)
	h := home(t, dir, "a")
	path := filepath.Join(h, "work", "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if used := attach(t, s, h, disk.Least); used.Size != 0 {
		t.Errorf("%+v", used)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	// And one that has an image is shown it, whether or not there is a limit now.
	limited := home(t, dir, "b")
	attach(t, s, limited, disk.Least)
	if err := errors.Join(os.WriteFile(filepath.Join(limited, "work", "file"), nil, 0o600), s.Detach(limited)); err != nil {
		t.Fatal(err)
	}
	attach(t, s, limited, 0)
	if _, err := os.Stat(filepath.Join(limited, "work", "file")); err != nil {
		t.Error(err)
	}
}

// TestAtOnce is for the race detector: uses and ends of few sandboxes by many.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, disk.Least)
	homes := []string{home(t, dir, "a"), home(t, dir, "b")}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			h := homes[i%2]
			if i%5 == 4 {
				if err := s.Detach(h); err != nil {
					t.Error(err)
				}
				return
			}
			if err := s.Attach(disk.Volume{Home: h, Size: disk.Least}, func() error { return nil }); err != nil {
				t.Error(err)
			}
			s.Used(h)
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := mounts(t, dir); n != 0 {
		t.Errorf("%d mounts are left", n)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "scratch", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// BenchmarkFirstUse is what a sandbox's first use costs more: with an image that is
// ready, and without.
func BenchmarkFirstUse(b *testing.B) {
	for name, usual := range map[string]int64{"ready": 1 << 30, "made": 0} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "scratch"), 0o700); err != nil {
				b.Fatal(err)
			}
			s := disk.Open(disk.Config{Dir: dir, Scratch: filepath.Join(dir, "scratch"), Usual: usual})
			if s.Force().Mechanism != disk.Image {
				b.Skip(s.Force())
			}
			for i := 0; b.Loop(); i++ {
				h := filepath.Join(dir, "sandboxes", strconv.Itoa(i))
				if err := os.MkdirAll(filepath.Join(h, "work"), 0o755); err != nil {
					b.Fatal(err)
				}
				if err := s.Attach(disk.Volume{Home: h, Size: 1 << 30}, func() error { return nil }); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				s.Wait()
				if err := s.Detach(h); err != nil {
					b.Error(err)
				}
				b.StartTimer()
			}
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
