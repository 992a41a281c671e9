package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// See fsxattr in linux/fs.h; the numbers are those of all machines but MIPS, PowerPC
// and SPARC.
const (
	getAttributes = 0x801c581f // FS_IOC_FSGETXATTR
	setAttributes = 0x401c5820 // FS_IOC_FSSETXATTR
	inherit       = 0x200      // FS_XFLAG_PROJINHERIT
)

type attributes struct {
	flags, extent, extents, project, cow uint32
	_                                    [8]byte
}

// See linux/quota.h.
const (
	setQuota = 0x800008<<8 | projects // Q_SETQUOTA
	projects = 2                      // PRJQUOTA
	limits   = 5                      // QIF_BLIMITS | QIF_ILIMITS
	perBlock = 1024                   // bytes, whatever the file system's blocks are
)

type quota struct {
	hard, soft, space, inodesHard, inodesSoft, inodes, spaceTime, inodeTime uint64
	valid                                                                   uint32
	_                                                                       [4]byte
}

// trial is the number of a project that no sandbox has: theirs begin above it.
const (
	trialProject = 0x6fffffff
	trialSize    = 1 << 20
)

// tryQuota gives a directory a quota, and looks whether the file system tells of it.
func (s *Set) tryQuota() (err error) {
	switch {
	case os.Geteuid() != 0:
		return errors.New("only root can set them")
	case !s.cfg.Confined:
		return errors.New("code that runs as root, or without isolation, isn't bound by them")
	}
	dir, err := os.MkdirTemp(s.cfg.Scratch, "try-quota-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := give(dir, trialProject); err != nil {
		return fmt.Errorf("the file system of %s has no projects: %w", s.cfg.Dir, err)
	}
	if err := setBound(dir, trialProject, trialSize); err != nil {
		return fmt.Errorf("project quotas are off: %w; mount the file system of %s with 'prjquota'", err, s.cfg.Dir)
	}
	defer func() { _ = setBound(dir, trialProject, 0) }()
	if size, err := sizeOf(dir); err != nil || size != trialSize {
		return fmt.Errorf("the file system of %s doesn't keep project quotas", s.cfg.Dir)
	}
	return nil
}

// assign makes a sandbox's directories a project with a quota.
func (s *Set) assign(v Volume) (Used, error) {
	work, disk := filepath.Join(v.Home, workName), filepath.Join(v.Home, diskName)
	if err := os.MkdirAll(disk, 0o755); err != nil {
		return Used{}, err
	}
	for _, dir := range []string{work, disk} {
		if err := give(dir, v.Project); err != nil {
			return Used{}, fmt.Errorf("give the sandbox's files a quota: %w", err)
		}
	}
	if err := setBound(work, v.Project, v.Size); err != nil {
		return Used{}, fmt.Errorf("set the sandbox's quota: %w", err)
	}
	if v.Size == 0 {
		return Used{}, nil
	}
	return Used{Size: v.Size, Rooms: filepath.Join(disk, roomsName)}, nil
}

// give puts a directory, with all that is in it, into a project, if it isn't yet. The
// directory itself comes last, since it says that the rest is done. Nothing of the
// sandbox runs meanwhile; links aren't followed.
func give(dir string, project uint32) error {
	if now, err := attributesOf(dir); err == nil && now.project == project && now.flags&inherit != 0 {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		return change(path, project, d.IsDir())
	})
	if err != nil {
		return err
	}
	return change(dir, project, true)
}

func attributesOf(path string) (a attributes, err error) {
	err = withFile(path, func(fd uintptr) error { return ioctl(fd, getAttributes, unsafe.Pointer(&a)) })
	return a, err
}

// change sets a file's project; what is made in a directory inherits it.
func change(path string, project uint32, dir bool) error {
	return withFile(path, func(fd uintptr) error {
		var a attributes
		if err := ioctl(fd, getAttributes, unsafe.Pointer(&a)); err != nil {
			return err
		}
		a.project = project
		if dir {
			a.flags |= inherit
		}
		return ioctl(fd, setAttributes, unsafe.Pointer(&a))
	})
}

// setBound sets what a project may have on the file system of a file: space, and a file
// for each block of it at the most. 0 is no bound.
func setBound(path string, project uint32, size int64) error {
	q := quota{hard: uint64(size) / perBlock, inodesHard: uint64(size) / perBlock, valid: limits}
	return withFile(path, func(fd uintptr) error {
		_, _, errno := unix.Syscall6(unix.SYS_QUOTACTL_FD, fd, setQuota, uintptr(project), uintptr(unsafe.Pointer(&q)), 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

// sizeOf is how large the file system of a directory seems to be.
func sizeOf(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Blocks) * st.Bsize, nil
}

func withFile(path string, do func(fd uintptr) error) error {
	f, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := do(f.Fd()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func ioctl(fd, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
