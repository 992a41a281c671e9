package chaos_test

import (
	"context"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// disk is a file system of this process: a directory whose writes can be made to wait,
// or to fail.
type disk struct {
	dir string

	mu    sync.Mutex
	open  chan struct{} // closed when writes may go on; nil: they may
	errno syscall.Errno
}

// newDisk mounts one, for as long as the test takes.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	d := &disk{dir: t.TempDir()}
	behind := t.TempDir()
	var st syscall.Stat_t
	if err := syscall.Stat(behind, &st); err != nil {
		t.Fatal(err)
	}
	root := &fs.LoopbackRoot{Path: behind, Dev: st.Dev}
	//nolint:staticcheck // its successor wraps children only, and the root is one of ours too
	root.NewNode = func(r *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &node{LoopbackNode: fs.LoopbackNode{RootData: r}, d: d}
	}
	first := root.NewNode(root, nil, "", &st) //nolint:staticcheck // as above
	root.RootNode = first
	server, err := fs.Mount(d.dir, first, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, AllowOther: true, FsName: "disk"}})
	if err != nil {
		t.Skipf("no file system of ours can be mounted: %v", err)
	}
	t.Cleanup(func() {
		d.fail(0)
		d.release()
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return d
}

// hold makes writes wait until release.
func (d *disk) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = make(chan struct{})
}

func (d *disk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		close(d.open)
		d.open = nil
	}
}

// fail makes writes fail; 0 ends that.
func (d *disk) fail(errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errno = errno
}

// write is asked before anything is written. One that is interrupted is one of a
// process that was killed.
func (d *disk) write(ctx context.Context) syscall.Errno {
	d.mu.Lock()
	open := d.open
	d.mu.Unlock()
	if open != nil {
		select {
		case <-open:
		case <-ctx.Done():
			return syscall.EINTR
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.errno
}

// node is a file or directory on the disk.
type node struct {
	fs.LoopbackNode
	d *disk
}

func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, more, errno := n.LoopbackNode.Open(ctx, flags)
	return n.d.wrap(h), more, errno
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.d.write(ctx); errno != 0 {
		return nil, nil, 0, errno
	}
	inode, h, more, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	return inode, n.d.wrap(h), more, errno
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if errno := n.d.write(ctx); errno != 0 {
		return nil, errno
	}
	return n.LoopbackNode.Mkdir(ctx, name, mode, out)
}

func (d *disk) wrap(h fs.FileHandle) fs.FileHandle {
	if f, ok := h.(*fs.LoopbackFile); ok {
		return &file{LoopbackFile: f, d: d}
	}
	return h
}

// file is an open one.
type file struct {
	*fs.LoopbackFile
	d *disk
}

// PassthroughFd keeps the system from going past us.
func (f *file) PassthroughFd() (int, bool) { return 0, false }

func (f *file) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	if errno := f.d.write(ctx); errno != 0 {
		return 0, errno
	}
	return f.LoopbackFile.Write(ctx, data, off)
}

func (f *file) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	if errno := f.d.write(ctx); errno != 0 {
		return errno
	}
	return f.LoopbackFile.Allocate(ctx, off, size, mode)
}

func (f *file) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if errno := f.d.write(ctx); errno != 0 {
		return errno
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}
