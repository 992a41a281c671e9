package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/disk"
)

// TestQuota takes a file system with project quotas, below TMPDIR. setup/vm.sh runs it
// on one.
func TestQuota(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const size = 32 * mib
	s := disk.Open(disk.Config{Dir: dir, Scratch: scratch(t, dir), Usual: size, Confined: true})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if f := s.Force(); f.Mechanism != disk.Quota {
		t.Skipf("no project quotas here: %+v", f)
	}
	h, beside := home(t, dir, "a"), home(t, dir, "b")
	older := filepath.Join(h, "work", "older", "file")
	if err := errors.Join(os.Mkdir(filepath.Dir(older), 0o700), os.WriteFile(older, make([]byte, 8*mib), 0o600)); err != nil {
		t.Fatal(err)
	}
	use := func(home string, project uint32, size int64) {
		t.Helper()
		if err := s.Attach(disk.Volume{Home: home, Project: project, Size: size}, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	use(h, 0x70000001, size)
	use(beside, 0x70000002, 2*size)
	rooms := s.Used(h).Rooms
	if err := os.Mkdir(rooms, 0o700); err != nil {
		t.Fatal(err)
	}
	asUser(t, func() {
		large := filepath.Join(h, "work", "older", "large")
		n, err := fill(t, large)
		// 8 MiB were there before.
		if !refused(err) || n < size-10*mib || n > size-8*mib {
			t.Errorf("%d bytes could be written: %v", n, err)
		}
		if used := s.Used(h); !used.Full || used.Size != size || used.Bound().Limit != size {
			t.Errorf("%+v", used)
		}
		if n, err := fill(t, filepath.Join(rooms, "more")); !refused(err) || n > 2*mib {
			t.Errorf("beside it, %d bytes could be written: %v", n, err)
		}
		if n, err := fill(t, filepath.Join(beside, "work", "large")); !refused(err) || n < 2*size-2*mib {
			t.Errorf("a neighbour could write %d bytes: %v", n, err)
		}
		if err := errors.Join(os.Remove(large), os.RemoveAll(filepath.Join(rooms, "more"))); err != nil || s.Used(h).Full {
			t.Errorf("it is still full: %v", err)
		}
	})
	// What was 32 MiB is 16 the next time.
	if err := s.Detach(h); err != nil {
		t.Error(err)
	}
	use(h, 0x70000001, size/2)
	asUser(t, func() {
		if n, err := fill(t, filepath.Join(h, "work", "large")); !refused(err) || n > size/2-8*mib {
			t.Errorf("%d bytes could be written: %v", n, err)
		}
	})
}

// refused is what a quota says: ext4 EDQUOT, XFS ENOSPC.
func refused(err error) bool { return errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.ENOSPC) }

// asUser calls f on a thread that quotas bind: without CAP_SYS_RESOURCE, as all code in
// sandboxes.
func asUser(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: it ends with this
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if err := unix.Capget(&header, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		caps[0].Effective &^= 1 << unix.CAP_SYS_RESOURCE
		if err := unix.Capset(&header, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}
