package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// races is how often another program may be faster to take a free loop device.
const races = 64

// loopOptions: errors end all writing, rather than to make them worse; the space of
// what is deleted goes back to the machine; and inode tables, which are holes in a
// sparse file, need nobody to write zeros to them.
const loopOptions = "errors=remount-ro,discard,noinit_itable"

// loopMount mounts an image, and returns the number of its device.
//
// An image must not have two devices, whose file systems would destroy each other. So
// its file is locked: the device that has it keeps the lock, however long it lives,
// since it holds the same open file. If there is one yet, that is mounted.
func loopMount(image, at string) (dev uint64, err error) {
	f, err := os.OpenFile(image, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var loop *os.File
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		loop, err = newLoop(f)
		if err != nil {
			return 0, err
		}
	case errors.Is(err, unix.EWOULDBLOCK):
		if loop, err = loopOf(f); err != nil {
			return 0, err
		}
	default:
		return 0, fmt.Errorf("lock it: %w", err)
	}
	defer loop.Close() // from here on the mount keeps the device
	var st unix.Stat_t
	if err := unix.Fstat(int(loop.Fd()), &st); err != nil {
		return 0, err
	}
	return st.Rdev, unix.Mount(loop.Name(), at, "ext4", unix.MS_NOSUID|unix.MS_NODEV, loopOptions)
}

// newLoop puts a file behind a free loop device, which ends with its last user.
func newLoop(f *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("find a loop device: %w", err)
	}
	defer control.Close()
	for range races {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a loop device: %w", err)
		}
		loop, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("open a loop device, of which the server needs a free one: %w", err)
		}
		err = unix.IoctlLoopConfigure(int(loop.Fd()), &unix.LoopConfig{Fd: uint32(f.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}})
		if err == nil {
			return loop, nil
		}
		_ = loop.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("configure a loop device: %w", err)
		}
	}
	return nil, errors.New("others take all loop devices that become free")
}

// loopOf finds the device that a file is behind.
func loopOf(f *os.File) (*os.File, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, err
	}
	used, err := filepath.Glob("/sys/block/loop*/loop") // which only those have that are in use
	if err != nil {
		return nil, err
	}
	for _, dir := range used {
		name := strings.TrimPrefix(filepath.Dir(dir), "/sys/block/")
		loop, err := os.OpenFile("/dev/"+name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		// Open, it stays what it is.
		info, err := unix.IoctlLoopGetStatus64(int(loop.Fd()))
		if err == nil && info.Inode == st.Ino && info.Device == st.Dev {
			return loop, nil
		}
		_ = loop.Close()
	}
	return nil, errors.New("another program has locked it")
}
