package secure

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the files must have been left alone before they are read:
// the certificate and its key are replaced one after the other.
const settle = 100 * time.Millisecond

// Files are a certificate with its chain and its key, in PEM.
type Files struct {
	Cert, Key string
	// Changed is told of each attempt to read them again. It may be nil.
	Changed func(error)
	Log     *slog.Logger
}

// Certificate is what a server shows, as its files are now. A nil one is that of a
// server without TLS.
type Certificate struct {
	files   Files
	current atomic.Pointer[tls.Certificate]
	watcher *fsnotify.Watcher // nil where files can't be watched
	done    chan struct{}     // closed when its goroutine has ended
}

// Open reads a certificate and watches its files. Files that are not a
// certificate and its key are an error now; later they are one in the log, and
// the certificate that there was stays.
func Open(files Files) (*Certificate, error) {
	if files.Changed == nil {
		files.Changed = func(error) {}
	}
	if files.Log == nil {
		files.Log = slog.New(slog.DiscardHandler)
	}
	c := &Certificate{files: files, done: make(chan struct{})}
	if err := c.load(); err != nil {
		return nil, err
	}
	var err error
	if c.watcher, err = fsnotify.NewWatcher(); err == nil {
		err = c.watch()
	}
	if err != nil {
		files.Log.Warn("changes of the certificate are only noticed at the next start", slog.Any("error", err))
	}
	if c.watcher == nil {
		close(c.done)
		return c, nil
	}
	go c.follow() // ends with the watcher; Close joins it
	return c, nil
}

func (c *Certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", c.files.Cert, c.files.Key, err)
	}
	c.current.Store(&pair)
	return nil
}

// watch looks at the folders, since files are replaced by others of their names,
// and at those that symbolic links lead to.
func (c *Certificate) watch() error {
	watched := c.watcher.WatchList()
	for _, file := range []string{c.files.Cert, c.files.Key} {
		dirs := []string{filepath.Dir(file)}
		if real, err := filepath.EvalSymlinks(file); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
		for _, dir := range dirs {
			if slices.Contains(watched, dir) {
				continue
			}
			if err := c.watcher.Add(dir); err != nil {
				return fmt.Errorf("watch %s: %w", dir, err)
			}
		}
	}
	return nil
}

// follow reads the files again when they have changed.
func (c *Certificate) follow() {
	defer close(c.done)
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	quiet.Stop()
	for {
		select {
		case event, ok := <-c.watcher.Events:
			if !ok {
				return
			}
			if event.Op != fsnotify.Chmod { // which reading causes, on some systems
				quiet.Reset(settle)
			}
		case err, ok := <-c.watcher.Errors:
			if !ok {
				return
			}
			c.files.Log.Warn("watch the certificate", slog.Any("error", err))
		case <-quiet.C:
			c.reload()
		}
	}
}

func (c *Certificate) reload() {
	before := c.current.Load()
	err := c.load()
	if err != nil {
		c.files.Log.Error("the certificate has changed and cannot be used; the one before stays", slog.Any("error", err))
	} else if !slices.EqualFunc(before.Certificate, c.current.Load().Certificate, slices.Equal) {
		c.files.Log.Info("the certificate was replaced", slog.String("file", c.files.Cert))
	}
	if err := c.watch(); err != nil { // links may lead elsewhere now
		c.files.Log.Warn("watch the certificate", slog.Any("error", err))
	}
	c.files.Changed(err)
}

// Names are the host names that the certificate is for, without those that stand
// for many.
func (c *Certificate) Names() []string {
	if c == nil {
		return nil
	}
	names := slices.Clone(c.current.Load().Leaf.DNSNames)
	return slices.DeleteFunc(names, func(n string) bool { return strings.Contains(n, "*") })
}

// Config is for connections: TLS 1.2 at least, and HTTP/1.1 inside.
func (c *Certificate) Config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// Close stops watching.
func (c *Certificate) Close() error {
	if c == nil {
		return nil
	}
	var err error
	if c.watcher != nil {
		err = c.watcher.Close()
	}
	<-c.done
	return err
}
