package sandboxes

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
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

// SignedToken is a preview token that ends by itself, unless expires is zero, and
// that is good for as long as its holder is: somebody whom the caller knows by this
// word, which has no dots; empty is nobody.
func (r *Registry) SignedToken(idOrName string, expires time.Time, holder string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(idOrName)
	if err != nil {
		return "", err
	}
	c := claim{sandbox: e.sandbox.ID, holder: holder}
	if !expires.IsZero() {
		c.expires = expires.Unix()
	}
	return c.signed(e.secret), nil
}

// Opens says which sandbox a token opens, and whom it was given to, if it says
// so. Tokens are looked up by their digest, so that the time it takes says nothing
// about how much of one is right.
func (r *Registry) Opens(token string) (id, holder string, ok bool) {
	digest := sha256.Sum256([]byte(token))
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.tokens[digest]; ok {
		return id, "", true
	}
	c, ok := claimOf(token)
	e, known := r.byID[c.sandbox]
	if !ok || !known || !hmac.Equal([]byte(token), []byte(c.signed(e.secret))) {
		return "", "", false
	}
	return c.sandbox, c.holder, c.expires == 0 || r.opts.Now().Unix() < c.expires
}

// claim is what a signed token says: sandbox, end and, perhaps, holder, with dots
// between them. The signature is the last part.
type claim struct {
	sandbox string
	expires int64 // seconds since 1970; 0 is never
	holder  string
}

func (c claim) String() string {
	words := fmt.Sprintf("%s.%d", c.sandbox, c.expires)
	if c.holder != "" {
		words += "." + c.holder
	}
	return words
}

func claimOf(token string) (claim, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 && len(parts) != 4 {
		return claim{}, false
	}
	c := claim{sandbox: parts[0]}
	if len(parts) == 4 {
		c.holder = parts[2]
	}
	var err error
	c.expires, err = strconv.ParseInt(parts[1], 10, 64)
	return c, err == nil
}

// signed is the token. What is signed are the claim's own words, so that nothing
// can be moved from one part of it to another.
func (c claim) signed(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("signed preview\x00" + c.String()))
	return c.String() + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
