package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FileName is the file in the data directory.
const FileName = "keys.json"

// record is a key in the file.
type record struct {
	Info
	Hash string `json:"sha256"` // of the whole text, in hexadecimal
}

// contents is the file.
type contents struct {
	Version int      `json:"version"`
	Keys    []record `json:"keys"`
}

const version = 1

const (
	prefix = "hc_"
	idSize = 6  // bytes: a name for people and logs, unique among a thousand keys
	secret = 24 // bytes, which nobody guesses
)

// newText makes a key: hc_, its id, an underscore and the secret.
func newText() (id, text string) {
	var b [idSize + secret]byte
	_, _ = rand.Read(b[:]) // never fails, it ends the program instead
	id = hex.EncodeToString(b[:idSize])
	return id, prefix + id + "_" + hex.EncodeToString(b[idSize:])
}

// idOf is the id in a key's text, if it has the form of one.
func idOf(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	id, tail, cut := strings.Cut(rest, "_")
	return id, ok && cut && len(tail) == 2*secret && isID(id)
}

func isID(s string) bool {
	return len(s) == 2*idSize && strings.Trim(s, "0123456789abcdef") == ""
}

func newRecord(info Info, text string) record {
	sum := sha256.Sum256([]byte(text))
	return record{Info: info, Hash: hex.EncodeToString(sum[:])}
}

// digest was checked when the file was read.
func (r record) digest() []byte {
	sum, _ := hex.DecodeString(r.Hash)
	return sum
}

// load reads the file. One that isn't as it should be is an error: a server that
// went on without it would keep out those whom it should let in.
func load(dir string) ([]record, error) {
	if dir == "" {
		return nil, nil
	}
	path := filepath.Join(dir, FileName)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to others (mode %#o): run 'chmod 600 %s', after a look whether its keys are yours", path, st.Mode().Perm(), path)
	}
	var c contents
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w; mend it, or delete it and its keys are no more", path, err)
	}
	if c.Version != version {
		return nil, fmt.Errorf("%s has version %d, this hotcell reads %d: it was written by another one", path, c.Version, version)
	}
	seen := map[string]bool{}
	for _, r := range c.Keys {
		if !isID(r.ID) || len(r.digest()) != sha256.Size || r.Scope < Read || seen[r.ID] || seen[r.Name] {
			return nil, fmt.Errorf("%s cannot be read: the key %q in it is incomplete or there twice; mend it", path, r.Name)
		}
		seen[r.ID], seen[r.Name] = true, true
	}
	return c.Keys, nil
}

// save replaces the file in one step: after a crash it is the old one or the new
// one. It has its mode before it has its name.
func save(dir string, records []record) (err error) {
	if dir == "" {
		return nil
	}
	body, err := json.MarshalIndent(contents{version, records}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the keys: %w", err)
	}
	f, err := os.CreateTemp(dir, "."+FileName+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the keys: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(body, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keep the keys: %w", err)
	}
	if err = os.Rename(f.Name(), filepath.Join(dir, FileName)); err != nil {
		return fmt.Errorf("keep the keys: %w", err)
	}
	syncDir(dir)
	return nil
}

// syncDir makes a new name last. Where that can't be done the file is there all
// the same.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
