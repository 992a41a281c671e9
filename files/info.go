package files

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Info describes one file or directory.
type Info struct {
	Name     string
	Path     string // absolute
	Dir      bool
	Size     int64
	Mode     fs.FileMode
	Owner    string // a name; a number where there is none
	Group    string
	Modified time.Time
}

// Info describes what a path leads to; a link that leads nowhere, itself.
func (t Tree) Info(path string) (Info, error) {
	abs, err := t.Path(path)
	if err != nil {
		return Info{}, err
	}
	st, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		if link, lerr := os.Lstat(abs); lerr == nil {
			st, err = link, nil
		}
	}
	if err != nil {
		return Info{}, explain(path, err, ErrRead)
	}
	return newNames().describe(abs, st), nil
}

// names remembers who owns what, since asking reads a file of the system's.
type names struct{ users, groups map[uint32]string }

func newNames() *names {
	return &names{users: map[uint32]string{}, groups: map[uint32]string{}}
}

func (n *names) describe(abs string, st fs.FileInfo) Info {
	i := Info{
		Name: filepath.Base(abs), Path: abs, Dir: st.IsDir(), Size: st.Size(),
		Mode: st.Mode(), Modified: st.ModTime(),
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		i.Owner = named(n.users, sys.Uid, func(id string) (string, error) {
			u, err := user.LookupId(id)
			if err != nil {
				return "", err
			}
			return u.Username, nil
		})
		i.Group = named(n.groups, sys.Gid, func(id string) (string, error) {
			g, err := user.LookupGroupId(id)
			if err != nil {
				return "", err
			}
			return g.Name, nil
		})
	}
	return i
}

func named(known map[uint32]string, id uint32, look func(string) (string, error)) string {
	name, ok := known[id]
	if !ok {
		number := strconv.FormatUint(uint64(id), 10)
		var err error
		if name, err = look(number); err != nil || name == "" {
			name = number
		}
		known[id] = name
	}
	return name
}

// Octal is a mode as chmod takes it: 0644, 4755.
func Octal(mode fs.FileMode) string {
	bits := uint64(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	s := strconv.FormatUint(bits, 8)
	for len(s) < 4 {
		s = "0" + s
	}
	return s
}
