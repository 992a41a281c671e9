package files

import (
	"context"
	"errors"
	"io/fs"
)

// List describes what is in a directory, down to a depth of 1 or more: each
// directory before what is in it, in the order of names. Links are described
// as such and not followed. A listing that would be larger than [MaxEntries]
// is refused as a whole: a part of it could be taken for all.
func (t Tree) List(ctx context.Context, path string, depth int) ([]Info, Account, error) {
	if depth < 1 {
		return nil, Account{}, argument("depth must be at least 1")
	}
	abs, err := t.Path(path)
	if err != nil {
		return nil, Account{}, err
	}
	var account Account
	list := []Info{}
	who := newNames()
	w := walker{ctx: ctx, left: MaxEntries, account: &account}
	err = w.walk(abs, depth, func(abs string, d fs.DirEntry) error {
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return fs.SkipDir // gone meanwhile
		} else if err != nil {
			account.Unreadable++
			return fs.SkipDir
		}
		list = append(list, who.describe(abs, st))
		return nil
	})
	if errors.Is(err, errFull) {
		return nil, account, &Error{Path: path, Kind: ErrTooMany, Words: "there are more than 100000 entries: list a directory below it, or with a smaller depth"}
	}
	if err != nil {
		return nil, account, listed(ctx, path, err)
	}
	return list, account, nil
}

// listed explains why a walk ended early.
func listed(ctx context.Context, path string, err error) error {
	if cause := ended(ctx); cause != nil {
		return cause
	}
	return explain(path, err, ErrRead)
}
