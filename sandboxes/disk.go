package sandboxes

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"hotcell/internal/jail"
)

// record is a sandbox's file. It holds a secret, hence its mode.
type record struct {
	Sandbox
	Secret string `json:"previewToken"`
}

const (
	recordName = "record.json"
	badName    = "record.json.unreadable"
	trashMark  = ".deleted-"
)

func (r *Registry) save(e *entry) error {
	r.mu.Lock()
	rec := record{Sandbox: e.sandbox.clone(), Secret: e.secret}
	r.mu.Unlock()
	return r.write(rec)
}

// write replaces a record's file in one step: after a crash it is the old one
// or the new one.
func (r *Registry) write(rec record) (err error) {
	now := r.opts.Now()
	for _, t := range rec.ages() {
		*t = restated(*t, now)
	}
	body, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	dir := filepath.Join(r.dir, rec.ID)
	f, err := os.CreateTemp(dir, recordName+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(append(body, '\n')); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if err = f.Sync(); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if err = os.Rename(f.Name(), filepath.Join(dir, recordName)); err != nil {
		return fmt.Errorf("replace record: %w", err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// forget renames a sandbox's directory, which takes its record away in one step.
func (r *Registry) forget(id string) error {
	if err := os.Rename(filepath.Join(r.dir, id), r.trash(id)); err != nil {
		return fmt.Errorf("remove record: %w", err)
	}
	return syncDir(r.dir)
}

func (r *Registry) trash(id string) string { return filepath.Join(r.dir, trashMark+id) }

// load reads all records.
func (r *Registry) load() error {
	dirs, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("read the sandboxes' directory: %w", err)
	}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		if strings.HasPrefix(d.Name(), trashMark) {
			if err := os.RemoveAll(filepath.Join(r.dir, d.Name())); err != nil {
				r.opts.Log.Warn("cannot remove a deleted sandbox", slog.String("dir", d.Name()), slog.Any("error", err))
			}
			continue
		}
		if err := r.loadOne(d.Name()); err != nil {
			r.setAside(d.Name(), err)
		}
	}
	return nil
}

func (r *Registry) loadOne(id string) error {
	body, err := os.ReadFile(filepath.Join(r.dir, id, recordName))
	if err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	var rec record
	if err := json.Unmarshal(body, &rec); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if err := rec.check(id); err != nil {
		return err
	}
	if _, taken := r.names[rec.Name]; taken {
		return fmt.Errorf("%w: %q", ErrNameTaken, rec.Name)
	}
	if err := os.MkdirAll(r.WorkDir(id), 0o755); err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	e := &entry{turn: make(chan struct{}, 1), sandbox: rec.clone(), secret: rec.Secret}
	now := r.opts.Now()
	for _, t := range e.sandbox.ages() {
		*t = anchored(*t, now)
	}
	if r.opts.Died && e.sandbox.State == Started {
		e.sandbox.LastActivity = now
	}
	if e.sandbox.Env == nil {
		e.sandbox.Env = map[string]string{}
	}
	if e.sandbox.Labels == nil {
		e.sandbox.Labels = map[string]string{}
	}
	if e.sandbox.UID == 0 { // it is older than sandboxes' users
		e.sandbox.UID = r.opts.NewUID()
		if err := r.save(e); err != nil {
			return err
		}
	}
	r.byID[id] = e
	r.names[rec.Name] = id
	r.tokens[sha256.Sum256([]byte(rec.Secret))] = id
	return nil
}

// check looks for what a half-written or edited file could do harm with.
func (rec *record) check(id string) error {
	switch {
	case rec.ID != id:
		return fmt.Errorf("%w: the record of %q says that it is %q", ErrInvalid, id, rec.ID)
	case rec.State != Started && rec.State != Stopped:
		return fmt.Errorf("%w: unknown state %q", ErrInvalid, rec.State)
	case len(rec.Secret) < minSecret:
		return fmt.Errorf("%w: the preview token is missing", ErrInvalid)
	case rec.Name == "", rec.Name == DefaultID && id != DefaultID:
		return fmt.Errorf("%w: the name is %q", ErrInvalid, rec.Name)
	case rec.UID != 0 && (rec.UID < jail.UserBase || rec.UID >= jail.UserBase+jail.UserCount):
		return fmt.Errorf("%w: user %d is none of sandboxes'", ErrInvalid, rec.UID)
	}
	return rec.validate()
}

// setAside keeps an unreadable record, and everything beside it, for somebody
// to look at. A directory without a record is what a crash in a create leaves.
func (r *Registry) setAside(id string, why error) {
	path := filepath.Join(r.dir, id, recordName)
	if errors.Is(why, fs.ErrNotExist) {
		if r.discard(id) == nil { // it was ready for a sandbox that nobody has made
			return
		}
		r.opts.Log.Warn("a sandbox's directory has no record", slog.String("dir", filepath.Dir(path)))
		return
	}
	err := os.Rename(path, filepath.Join(r.dir, id, badName))
	r.opts.Log.Error("a sandbox's record cannot be read and was set aside",
		slog.String("record", path), slog.Any("reason", why), slog.Any("error", err))
}
