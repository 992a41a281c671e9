package sandboxes

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// minSecret is the length of a preview token: 32 random bytes in base64.
const minSecret = 43

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Token is the preview token of a sandbox. It opens this one only, and as long
// as the sandbox exists.
func (r *Registry) Token(idOrName string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(idOrName)
	if err != nil {
		return "", err
	}
	return e.secret, nil
}

// SignedToken is a preview token that ends by itself.
func (r *Registry) SignedToken(idOrName string, expires time.Time) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(idOrName)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s.%d.%s", e.sandbox.ID, expires.Unix(), sign(e.secret, e.sandbox.ID, expires.Unix())), nil
}

// Opens says which sandbox a token opens. Tokens are looked up by their
// digest, so that the time it takes says nothing about how much of one is right.
func (r *Registry) Opens(token string) (id string, ok bool) {
	digest := sha256.Sum256([]byte(token))
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.tokens[digest]; ok {
		return id, true
	}
	id, rest, _ := strings.Cut(token, ".")
	stamp, mac, _ := strings.Cut(rest, ".")
	expires, err := strconv.ParseInt(stamp, 10, 64)
	e, known := r.byID[id]
	if err != nil || !known || !hmac.Equal([]byte(mac), []byte(sign(e.secret, id, expires))) {
		return "", false
	}
	return id, r.opts.Now().Unix() < expires
}

func sign(secret, id string, expires int64) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("signed preview\x00" + id + "\x00"))
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(expires)))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
