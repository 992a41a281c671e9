package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotcell/keys"
)

// keysLimit bounds what is asked of a server. Nothing of it takes long.
const keysLimit = 30 * time.Second

// with finds where the keys are kept and does something there.
//
// A directory has one owner at a time, its server or us, so no change is lost:
// whoever has the lock is the only one who writes, and others ask it.
func (c *keysFlags) with(a *app, do func(context.Context, keeper) error) error {
	ctx, cancel := context.WithTimeout(a.ctx, keysLimit)
	defer cancel()
	if c.URL != "" {
		remote := remoteFlags{URL: c.URL, APIKey: c.APIKey, DataDir: c.DataDir}
		key, err := remote.key()
		if err != nil {
			return err
		}
		return do(ctx, &serverKeys{base: c.URL, key: key, client: http.DefaultClient})
	}
	if c.DataDir == "" {
		path, err := defaultDataDir()
		if err != nil {
			return err
		}
		c.DataDir = path
	}
	dir, err := openDataDir(c.DataDir)
	if used := (*inUseError)(nil); errors.As(err, &used) {
		k, err := c.running(used.holder)
		if err != nil {
			return err
		}
		defer k.client.CloseIdleConnections()
		return do(ctx, k)
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	store, err := keys.Open(keys.Config{Dir: dir.path})
	if err != nil {
		return err
	}
	defer store.Close()
	return do(ctx, ownKeys{store})
}

// running is the server that uses the data directory.
func (c *keysFlags) running(h holder) (*serverKeys, error) {
	if h.url == "" {
		return nil, fmt.Errorf("the hotcell that uses %s (pid %s) doesn't answer yet: try again", c.DataDir, h.pid)
	}
	k := &serverKeys{base: h.url, key: c.APIKey, client: http.DefaultClient}
	if k.key == "" {
		raw, err := os.ReadFile(filepath.Join(c.DataDir, keyFile))
		if err != nil {
			return nil, badUsage("no key for the server at %s: give one with HOTCELL_API_KEY or --api-key (%v)", h.url, err)
		}
		k.key = strings.TrimSpace(string(raw))
	}
	if h.cert != "" {
		var err error
		if k.client, err = pinned(h.cert); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// pinned talks to a server of this machine, whose certificate we can read: by
// whatever name or address it is called, it must show that one.
func pinned(file string) (*http.Client, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate: %w; call it by its name with --url", err)
	}
	leaf, rest := pem.Decode(raw)
	for leaf != nil && leaf.Type != "CERTIFICATE" {
		leaf, rest = pem.Decode(rest)
	}
	if leaf == nil {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the comparison below is stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, leaf.Bytes) {
				return fmt.Errorf("the server doesn't show the certificate in %s", file)
			}
			return nil
		},
	}}}, nil
}

// ownKeys are those of a directory that no server uses.
type ownKeys struct{ store *keys.Store }

func (k ownKeys) Create(_ context.Context, spec keys.Spec) (shownKey, error) {
	info, text, err := k.store.Create(spec)
	return shownKey{info, text}, err
}

func (k ownKeys) List(context.Context) ([]shownKey, error) {
	out := []shownKey{}
	for _, info := range k.store.List() {
		out = append(out, shownKey{Info: info})
	}
	return out, nil
}

func (k ownKeys) Revoke(_ context.Context, idOrName string) error {
	_, err := k.store.Revoke(idOrName)
	return err
}

// serverKeys are those of a running server.
type serverKeys struct {
	base, key string
	client    *http.Client
}

func (k *serverKeys) Create(ctx context.Context, spec keys.Spec) (made shownKey, err error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return made, fmt.Errorf("encode the key: %w", err)
	}
	err = k.call(ctx, http.MethodPost, "", body, &made)
	return made, err
}

func (k *serverKeys) List(ctx context.Context) (list []shownKey, err error) {
	err = k.call(ctx, http.MethodGet, "", nil, &list)
	return list, err
}

func (k *serverKeys) Revoke(ctx context.Context, idOrName string) error {
	return k.call(ctx, http.MethodDelete, "/"+url.PathEscape(idOrName), nil, nil)
}

func (k *serverKeys) call(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(k.base, "/")+"/v1/keys"+path, bytes.NewReader(body))
	if err != nil {
		return badUsage("%q is not a server's URL, such as http://%s", k.base, defaultListen)
	}
	req.Header.Set("Authorization", "Bearer "+k.key)
	resp, err := k.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return saidNo(resp, raw)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// saidNo is what a server said.
func saidNo(resp *http.Response, raw []byte) error {
	var said struct {
		Error struct{ Message string } `json:"error"`
	}
	words := strings.TrimSpace(string(raw))
	if json.Unmarshal(raw, &said) == nil && said.Error.Message != "" {
		words = said.Error.Message
	}
	if resp.StatusCode == http.StatusUnauthorized {
		words += ": give the server's own with HOTCELL_API_KEY or --api-key"
	}
	return errors.New(words)
}
