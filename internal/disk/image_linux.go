package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// Names in a sandbox's directory, and in its image.
const (
	imageName = "disk.img"
	diskName  = "disk"
	workName  = "work"
	roomsName = "rooms"
)

// mkfsLimit bounds the making of a file system, which takes 20 to 100 ms.
const mkfsLimit = 30 * time.Second

// tryImage mounts a small image, and finds out so why it can't be done.
func (s *Set) tryImage() (err error) {
	if os.Geteuid() != 0 {
		return errors.New("only root can mount them")
	}
	s.mkfs, err = child.LookPath("mkfs.ext4", "/", []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"})
	if err != nil {
		return errors.New("mkfs.ext4 is not installed; on Debian and Ubuntu, 'apt-get install e2fsprogs' does it")
	}
	home, err := os.MkdirTemp(s.cfg.Scratch, "try-disk-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	if err := os.Mkdir(filepath.Join(home, workName), 0o700); err != nil {
		return err
	}
	if err := s.furnish(Volume{Home: home, Size: Least}); err != nil {
		return err
	}
	_, dev, err := s.mount(Volume{Home: home})
	return errors.Join(err, s.unmount(func(m mountPoint) bool { return m.dev == dev }))
}

// furnish gives a sandbox an image.
func (s *Set) furnish(v Volume) error {
	path := filepath.Join(v.Home, imageName)
	if v.Size == s.cfg.Usual {
		select {
		case spare := <-s.spare:
			s.restock()
			if err := os.Rename(spare, path); err == nil {
				return nil
			}
		default:
		}
	}
	// It has its name only when it is complete.
	if err := s.format(path+".new", v.Size); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// restock makes the next image ahead.
func (s *Set) restock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.wg.Go(func() { // ends when the file system is made, which is bounded
		f, err := os.CreateTemp(s.cfg.Scratch, "spare-*.img")
		if err == nil {
			_ = f.Close()
			err = s.format(f.Name(), s.cfg.Usual)
		}
		if err != nil {
			s.cfg.Log.Warn("no disk can be made ahead", slog.Any("error", err))
			return
		}
		select {
		case s.spare <- f.Name():
		default: // there is one already
			_ = os.Remove(f.Name())
		}
	})
}

// journalOf is the size of an image's journal in MiB: enough for its speed, and at
// least what the file system insists on.
func journalOf(size int64) int64 { return min(max(size>>25, 4), 64) }

// whole is the size of an image in which about so much can be written: it has room for
// inodes, one for 16 KiB, for the journal, and for what the file system keeps for
// itself, which is 2%, but not more than 16 MiB.
func whole(size int64) int64 {
	const block, inodes = 4096, 58 // 256 bytes of 16 KiB are 1/64, and tables for the rest
	return (size + size/inodes + min(size/50, 16<<20) + journalOf(size)<<20 + 1<<20) / block * block
}

// bound is the size that an image was made for.
func bound(length int64) int64 {
	return int64(sort.Search(int(length), func(size int) bool { return whole(int64(size)) >= length }))
}

// format makes a file system in a sparse file. Nothing is written that needn't be, and
// nothing of it is kept back for root.
func (s *Set) format(path string, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the sandbox's disk: %w", err)
	}
	err = errors.Join(f.Truncate(whole(size)), f.Close())
	if err == nil {
		err = run(s.mkfs, "-q", "-F", "-b", "4096", "-i", "16384", "-m", "0", "-O", "^resize_inode", "-J", "size="+strconv.FormatInt(journalOf(size), 10), "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", path)
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("make the sandbox's disk: %w", err)
	}
	return nil
}

// run runs a program to its end. What it complains of is the error.
func run(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), mkfsLimit)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := child.Start(ctx, child.Spec{Path: program, Args: args, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}, Stdout: w, Stderr: w})
	_ = w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { p.Stop(0) })
	defer stop()
	words, _ := io.ReadAll(io.LimitReader(r, 4<<10))
	<-p.Done()
	if exit := p.Exit(); exit.Code != 0 {
		return fmt.Errorf("%s: %s: %s", filepath.Base(program), exit, bytes.TrimSpace(words))
	}
	return nil
}

// mount mounts a sandbox's image, and shows what is in it where it belongs.
func (s *Set) mount(v Volume) (used Used, dev uint64, err error) {
	at := filepath.Join(v.Home, diskName)
	if err := os.MkdirAll(at, 0o755); err != nil {
		return Used{}, 0, err
	}
	if dev, err = loopMount(filepath.Join(v.Home, imageName), at); err != nil {
		return Used{}, 0, fmt.Errorf("%w: mount the image %s: %w", ErrUnavailable, filepath.Join(v.Home, imageName), err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.unmount(func(m mountPoint) bool { return m.dev == dev }))
		}
	}()
	if err := os.Mkdir(filepath.Join(at, workName), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return Used{}, 0, err
	}
	if err := unix.Mount(filepath.Join(at, workName), filepath.Join(v.Home, workName), "", unix.MS_BIND, ""); err != nil {
		return Used{}, 0, fmt.Errorf("%w: show its disk: %w", ErrUnavailable, err)
	}
	info, err := os.Stat(filepath.Join(v.Home, imageName))
	if err != nil {
		return Used{}, 0, err
	}
	return Used{Size: bound(info.Size()), Rooms: filepath.Join(at, roomsName)}, dev, nil
}
