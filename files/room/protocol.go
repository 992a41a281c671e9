package room

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"time"

	"hotcell/files"
	"hotcell/internal/wire"
)

// The protocol. Each call has a connection of its own, a socketpair whose other
// end the agent is given, and closing it ends the call. It begins with a
// [request]; after that both sides send [message]s, all of them frames of
// package wire. The agent is told of paths and texts as bytes, since text in
// JSON would be mended where it isn't UTF-8.

// What can be asked for.
const (
	doList    = "list"
	doInfo    = "info"
	doFind    = "find"
	doSearch  = "search"
	doReplace = "replace"
	doMkdir   = "mkdir"
	doDelete  = "delete"
	doMove    = "move"
	doPermit  = "permit"
	doOpen    = "open"
	doCreate  = "create"
)

// Time limits.
const (
	// beat is how often an agent that owes an answer says that it is at it.
	beat = 5 * time.Second
	// DefaultPatience is how long it may say nothing. A sandbox that has used up its
	// processor time is slow; one whose code stops the agent must hold up nobody.
	DefaultPatience = 30 * time.Second
)

// pieceSize is how much of a file is sent at once: what a socket takes without
// waiting.
const pieceSize = 128 << 10

// maxPiece is what the other side takes.
const maxPiece = 1 << 20

// maxWords bounds what an agent, which may have been taken over, can have the
// server say.
const maxWords = 8 << 10

// request is what is asked for.
type request struct {
	Do        string   `json:"do"`
	Path      []byte   `json:"path,omitzero"`
	To        []byte   `json:"to,omitzero"` // a destination, or the new text
	Paths     [][]byte `json:"paths,omitzero"`
	Text      []byte   `json:"text,omitzero"` // to look for
	Owner     []byte   `json:"owner,omitzero"`
	Group     []byte   `json:"group,omitzero"`
	Mode      []byte   `json:"mode,omitzero"`
	Depth     int      `json:"depth,omitzero"`
	Recursive bool     `json:"recursive,omitzero"`
}

func raw(s string) []byte { return []byte(s) }

// message is what comes after the request.
type message struct {
	// Beat says that the answer is still being made.
	Beat bool `json:"beat,omitzero"`
	// Data announces so many bytes, which follow as they are.
	Data int `json:"data,omitzero"`
	// Part asks for a part of the file that was opened.
	Part *part `json:"part,omitzero"`
	// Commit and Discard end what is written.
	Commit  bool `json:"commit,omitzero"`
	Discard bool `json:"discard,omitzero"`
	// Answer and Failure end what was asked for last.
	Answer  *answer  `json:"answer,omitzero"`
	Failure *failure `json:"failure,omitzero"`
}

// writePiece announces data and sends it, in one write.
func writePiece(conn net.Conn, data []byte) error {
	var head bytes.Buffer
	if err := wire.WriteFrame(&head, message{Data: len(data)}); err != nil {
		return err
	}
	out := net.Buffers{head.Bytes(), data}
	_, err := out.WriteTo(conn)
	return err
}

type part struct {
	From int64 `json:"from"`
	Size int64 `json:"size"`
}

// answer is what came of it.
type answer struct {
	List     []files.Info  `json:"-"`
	Entries  []entry       `json:"entries,omitzero"` // the list, on its way
	Matches  []files.Match `json:"matches,omitzero"`
	Found    []string      `json:"found,omitzero"`
	Account  files.Account `json:"account,omitzero"`
	Failures []*failure    `json:"failures,omitzero"` // of each file; nil where it went well
	Size     int64         `json:"size,omitzero"`
	Modified time.Time     `json:"modified,omitzero"`
}

// entry is a [files.Info] on its way: there may be 100,000 of them, and this is
// three times as fast.
type entry struct {
	Path    string      `json:"p"`
	Dir     bool        `json:"d,omitzero"`
	Size    int64       `json:"s,omitzero"`
	Mode    fs.FileMode `json:"m"`
	Owner   string      `json:"o"`
	Group   string      `json:"g"`
	Seconds int64       `json:"t"` // since 1970, modified
	Nanos   int         `json:"n,omitzero"`
}

// pack makes an answer ready for its way.
func (a *answer) pack() {
	if a.List == nil {
		return
	}
	a.Entries = make([]entry, 0, len(a.List))
	for _, i := range a.List {
		a.Entries = append(a.Entries, entry{
			Path: i.Path, Dir: i.Dir, Size: i.Size, Mode: i.Mode, Owner: i.Owner, Group: i.Group,
			Seconds: i.Modified.Unix(), Nanos: i.Modified.Nanosecond(),
		})
	}
}

func (a *answer) unpack() {
	if a.Entries == nil {
		return
	}
	a.List = make([]files.Info, 0, len(a.Entries))
	for _, e := range a.Entries {
		a.List = append(a.List, files.Info{
			Name: filepath.Base(e.Path), Path: e.Path, Dir: e.Dir, Size: e.Size,
			Mode: e.Mode, Owner: e.Owner, Group: e.Group, Modified: time.Unix(e.Seconds, int64(e.Nanos)),
		})
	}
	a.Entries = nil
}

// perform does what is asked for, but for what is read and written.
func perform(ctx context.Context, tree files.Tree, r *request) (a answer, err error) {
	path := string(r.Path)
	switch r.Do {
	case doList:
		a.List, a.Account, err = tree.List(ctx, path, r.Depth)
	case doInfo:
		a.List = make([]files.Info, 1)
		a.List[0], err = tree.Info(path)
	case doFind:
		a.Matches, a.Account, err = tree.Find(ctx, path, string(r.Text))
	case doSearch:
		a.Found, a.Account, err = tree.Search(ctx, path, string(r.Text))
	case doReplace:
		a.Failures, err = replace(ctx, tree, r)
	case doMkdir:
		err = tree.Mkdir(path, string(r.Mode))
	case doDelete:
		err = tree.Delete(path, r.Recursive)
	case doMove:
		err = tree.Move(path, string(r.To))
	case doPermit:
		err = tree.SetPermissions(path, string(r.Owner), string(r.Group), string(r.Mode))
	default:
		err = fmt.Errorf("%q can't be asked of files", r.Do)
	}
	return a, err
}

func replace(ctx context.Context, tree files.Tree, r *request) ([]*failure, error) {
	paths := make([]string, len(r.Paths))
	for i, p := range r.Paths {
		paths[i] = string(p)
	}
	done, err := tree.Replace(ctx, paths, string(r.Text), string(r.To))
	if err != nil {
		return nil, err
	}
	all := make([]*failure, len(done))
	for i, d := range done {
		all[i] = failed(d.Err)
	}
	return all, nil
}

// failure is an error on its way.
type failure struct {
	Kind  string `json:"kind"` // one of kinds; others are unexpected
	Path  []byte `json:"path,omitzero"`
	Words string `json:"words"`
	// Bare says that there is nothing but the kind.
	Bare bool `json:"bare,omitzero"`

	local error // what it was made of, if it never went anywhere
}

func kinds() map[string]error {
	return map[string]error{
		"not found": files.ErrNotFound, "denied": files.ErrDenied, "path": files.ErrPath,
		"argument": files.ErrArgument, "exists": files.ErrExists, "too many": files.ErrTooMany,
		"no space": files.ErrNoSpace, "read": files.ErrRead, "write": files.ErrWrite,
		"shrunk": files.ErrShrunk, "ended": files.ErrEnded,
	}
}

// failed makes a failure of an error; nil of nil.
func failed(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Words: err.Error(), local: err}
	var own *files.Error
	if errors.As(err, &own) {
		f.Path, f.Words = []byte(own.Path), own.Words
	}
	for name, kind := range kinds() {
		if errors.Is(err, kind) {
			f.Kind, f.Bare = name, own == nil
		}
	}
	return f
}

// errUntold is what an agent has left out.
var errUntold = errors.New("the agent didn't say everything that it was asked for")

// err is the error again. One of a kind that nobody knows is unexpected.
func (f *failure) err() error {
	if f == nil {
		return nil
	}
	if f.local != nil {
		return f.local
	}
	kind, known := kinds()[f.Kind]
	words := f.Words[:min(len(f.Words), maxWords)]
	switch {
	case !known:
		return fmt.Errorf("the agent of a sandbox's files said: %.200q", words)
	case f.Bare:
		return kind
	}
	return &files.Error{Path: string(f.Path[:min(len(f.Path), maxWords)]), Kind: kind, Words: words}
}
