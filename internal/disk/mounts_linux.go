package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPoint is what is mounted somewhere.
type mountPoint struct {
	dev    uint64
	path   string
	source string
}

// mountPoints reads what is mounted below a directory, in the order of mounting.
func mountPoints(below string) ([]mountPoint, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("see what is mounted: %w", err)
	}
	return parseMountPoints(string(table), below), nil
}

// parseMountPoints takes /proc/self/mountinfo; see proc(5) for its format.
func parseMountPoints(table, below string) (out []mountPoint) {
	for line := range strings.Lines(table) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		head, tail := strings.Fields(left), strings.Fields(right)
		if !ok || len(head) < 5 || len(tail) < 2 {
			continue
		}
		path := unescape(head[4])
		if !strings.HasPrefix(path, below+"/") {
			continue
		}
		major, minor, _ := strings.Cut(head[2], ":")
		a, aerr := strconv.ParseUint(major, 10, 32)
		b, berr := strconv.ParseUint(minor, 10, 32)
		if aerr != nil || berr != nil {
			continue
		}
		out = append(out, mountPoint{dev: unix.Mkdev(uint32(a), uint32(b)), path: path, source: unescape(tail[1])})
	}
	return out
}

// unescape takes back what mountinfo does to blanks.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// Clear unmounts what a dead server has left below a directory that is to be removed.
func Clear(dir string, log *slog.Logger) error {
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("see what is mounted: %w", err)
	}
	return unmount(real, log, isImage)
}

// isImage tells that an image is mounted there, or a part of it.
func isImage(m mountPoint) bool { return strings.HasPrefix(m.source, "/dev/loop") }

// clear unmounts what a dead server has left: images in its directories.
func (s *Set) clear() error { return s.unmount(isImage) }

func (s *Set) unmount(meant func(mountPoint) bool) error {
	return unmount(s.cfg.Dir, s.cfg.Log, meant)
}

// unmount takes down what is mounted below the data directory and is meant. What is
// in use yet, by a process that nobody could kill, goes when that has ended.
func unmount(dir string, log *slog.Logger, meant func(mountPoint) bool) error {
	points, err := mountPoints(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range slices.Backward(points) { // the last one mounted lies on top
		if !meant(m) {
			continue
		}
		err := unix.Unmount(m.path, unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EBUSY) {
			log.Warn("a sandbox's disk is still in use; it is taken away when it isn't", slog.String("directory", m.path))
			err = unix.Unmount(m.path, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
		}
		if err != nil && !errors.Is(err, unix.EINVAL) { // which isn't a mount any more
			errs = append(errs, fmt.Errorf("unmount %s: %w", filepath.Clean(m.path), err))
		}
	}
	return errors.Join(errs...)
}
