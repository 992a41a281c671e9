package secure_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/e2e/testserver/authority"
	"hotcell/handlers/secure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a certificate whose reloads are told.
func watched(t *testing.T, certFile, keyFile string) (*secure.Certificate, <-chan error) {
	t.Helper()
	changed := make(chan error, 16)
	c, err := secure.Open(secure.Files{Cert: certFile, Key: keyFile, Changed: func(err error) { changed <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, changed
}

func next(t *testing.T, changed <-chan error) error {
	t.Helper()
	select {
	case err := <-changed:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was noticed")
		return nil
	}
}

// name is whose certificate a client is shown.
func name(t *testing.T, c *secure.Certificate, ca *authority.Authority) string {
	t.Helper()
	near, far := pair(t)
	server, err := secure.Server(near, c.Config())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { // ends with the client's goodbye; joined below
		_, err := io.Copy(io.Discard, server)
		done <- err
	}()
	cfg := ca.Client()
	cfg.ServerName = "localhost"
	client := tls.Client(far, cfg)
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	shown := client.ConnectionState().PeerCertificates[0].Subject.CommonName
	_ = client.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	_ = server.Close()
	return shown
}

// pair are the two ends of a TCP connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if far, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

func TestReload(t *testing.T) {
	t.Parallel()
	ca := authority.New(t)
	certFile, keyFile := ca.Files(t, "one")
	c, changed := watched(t, certFile, keyFile)
	if got := name(t, c, ca); got != "one" {
		t.Errorf("at first: %s", got)
	}
	ca.Issue(t, certFile, keyFile, "two")
	if err := next(t, changed); err != nil {
		t.Error(err)
	}
	if got := name(t, c, ca); got != "two" {
		t.Errorf("then: %s", got)
	}
	// What can't be used is told, and what there was stays.
	if err := os.WriteFile(certFile, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := next(t, changed); err == nil {
		t.Error("nonsense was taken")
	}
	if got := name(t, c, ca); got != "two" {
		t.Errorf("after nonsense: %s", got)
	}
}

// TestReloadOfLinks is how certificates are replaced in clusters: files are links
// through a link to a folder, and that one is exchanged.
func TestReloadOfLinks(t *testing.T) {
	t.Parallel()
	ca, dir := authority.New(t), t.TempDir()
	for _, version := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		ca.Issue(t, filepath.Join(dir, version, "tls.crt"), filepath.Join(dir, version, "tls.key"), version)
	}
	mounted := filepath.Join(dir, "mounted")
	err := errors.Join(os.Mkdir(mounted, 0o700), os.Symlink("../one", filepath.Join(mounted, "..data")))
	for _, file := range []string{"tls.crt", "tls.key"} {
		err = errors.Join(err, os.Symlink("..data/"+file, filepath.Join(mounted, file)))
	}
	if err != nil {
		t.Fatal(err)
	}
	c, changed := watched(t, filepath.Join(mounted, "tls.crt"), filepath.Join(mounted, "tls.key"))
	err = errors.Join(os.Symlink("../two", filepath.Join(mounted, "..new")),
		os.Rename(filepath.Join(mounted, "..new"), filepath.Join(mounted, "..data")))
	if err = errors.Join(err, next(t, changed)); err != nil {
		t.Fatal(err)
	}
	if got := name(t, c, ca); got != "two" {
		t.Errorf("it is still %s", got)
	}
}

func TestOpenBadFiles(t *testing.T) {
	t.Parallel()
	ca := authority.New(t)
	certFile, keyFile := ca.Files(t, "one")
	_, other := ca.Files(t, "two")
	for why, files := range map[string]secure.Files{
		"another's key": {Cert: certFile, Key: other},
		"no file":       {Cert: certFile + ".nope", Key: keyFile},
	} {
		if _, err := secure.Open(files); err == nil || !strings.Contains(err.Error(), files.Cert) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// TestPlainHTTP: who forgets the s is told.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	certFile, keyFile := authority.New(t).Files(t, "one")
	c, _ := watched(t, certFile, keyFile)
	near, far := pair(t)
	server, _ := secure.Server(near, c.Config())
	if _, err := io.WriteString(far, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("it was read")
	}
	got, _ := io.ReadAll(far)
	if !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), "https://") {
		t.Errorf("%q", got)
	}
}

func TestOldTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile := authority.New(t).Files(t, "one")
	c, _ := watched(t, certFile, keyFile)
	near, far := pair(t)
	server, _ := secure.Server(near, c.Config())
	done := make(chan error, 1)
	go func() { // ends with the handshake's failure; joined below
		_, err := server.Read(make([]byte, 1))
		_ = server.Close()
		done <- err
	}()
	client := tls.Client(far, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := client.Handshake(); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if err := <-done; err == nil {
		t.Error("the server didn't mind")
	}
}

// TestAhead tells a client that leaves from one that sends, and loses nothing.
func TestAhead(t *testing.T) {
	t.Parallel()
	ca := authority.New(t)
	certFile, keyFile := ca.Files(t, "one")
	c, _ := watched(t, certFile, keyFile)
	near, far := pair(t)
	conn, _ := secure.Server(near, c.Config())
	server, _ := conn.(*secure.Conn)
	cfg := ca.Client()
	cfg.ServerName = "localhost"
	client := tls.Client(far, cfg)
	sent := make(chan error, 1)
	go func() { // joined below
		_, err := io.WriteString(client, "abc")
		sent <- err
	}()
	if err := errors.Join(server.Ahead(), server.Ahead(), <-sent); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 3)
	if _, err := io.ReadFull(server, buf); err != nil || string(buf) != "abc" {
		t.Errorf("%q %v", buf, err)
	}
	_ = server.SetReadDeadline(time.Unix(1, 0))
	var ne net.Error
	if err := server.Ahead(); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("nothing came: %v", err)
	}
	_ = server.SetReadDeadline(time.Time{})
	_ = client.Close()
	if err := server.Ahead(); !errors.Is(err, io.EOF) {
		t.Errorf("it left: %v", err)
	}
}
