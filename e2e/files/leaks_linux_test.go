package files_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
)

// TestNothingIsLeft of requests that went well or badly: no descriptor, no
// goroutine and no file.
func TestNothingIsLeft(t *testing.T) {
	s := testserver.Start(t)
	put(t, s, "f", strings.Repeat("x", 1<<20))
	put(t, s, "dir/g", "y")
	open := strings.TrimSuffix(form("files[0].path", "new/g", "files[0].file g", "half"), "\r\n--"+boundary+"--\r\n")
	whole := form("files[0].path", "dir/h", "files[0].file h", "all", "files[1].path", "dir", "files[1].file", "x")
	const paths = `{"paths":["f","none","dir","f"]}`
	requests := []func(*client){
		func(c *client) { c.head("POST", "/files/upload-v2?path=u", length(3)); c.send("abc"); c.answer() },
		func(c *client) { c.head("POST", "/files/upload-v2?path=u", length(300)); c.send("abc") },
		func(c *client) { c.head("POST", "/files/upload-v2?path=dir", length(1<<20)); c.send("abc"); c.answer() },
		func(c *client) {
			c.head("POST", "/files/bulk-upload", formType, length(len(whole)))
			c.send(whole)
			c.answer()
		},
		func(c *client) { c.head("POST", "/files/bulk-upload", formType, chunked); c.chunk(open) },
		func(c *client) {
			c.head("POST", "/files/upload", "Authorization: none", length(1<<30))
			c.send("abc")
			c.answer()
		},
		func(c *client) { c.head("POST", "/files/replace", length(100<<20)); c.send("abc"); c.answer() },
		func(c *client) { c.head("GET", "/files/download?path=f"); c.answer() },
		func(c *client) { c.head("GET", "/files/download?path=f"); _, _ = c.in.ReadByte() },
		func(c *client) { c.head("HEAD", "/files/download?path=f"); _, _ = c.in.ReadByte() },
		func(c *client) { c.head("GET", "/files/download?path=f", "Range: bytes=9999999-"); c.answer() },
		func(c *client) { c.head("GET", "/files/download?path=dir"); c.answer() },
		func(c *client) { _, _ = c.bundle("f", "none", "dir", "f") },
		func(c *client) {
			c.head("POST", "/files/bulk-download", length(len(paths)))
			c.send(paths)
			_, _ = c.in.ReadByte()
		},
		func(c *client) { c.head("GET", "/files/find?path=.&pattern=x"); c.answer() },
		func(c *client) { c.head("GET", "/files/find?path=.&pattern=x") },
		func(c *client) { c.head("GET", "/files/search?path=.&pattern=*"); c.answer() },
		func(c *client) { c.head("GET", "/files?depth=9"); c.answer() },
	}
	churn := func(times int) {
		for range times {
			for _, request := range requests {
				c := connect(t, s)
				request(c)
				_ = c.conn.Close()
			}
		}
		idle(t, s)
	}
	count := func() (descriptors, goroutines int) { return procs.Descriptors(), runtime.NumGoroutine() }
	churn(2)
	fds, routines := count()
	if err := procs.Eventually(within(t), func() error { // the first ones settle
		if f, r := count(); f < fds || r < routines {
			fds, routines = f, r
			return fmt.Errorf("it goes down still")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	churn(20)
	if err := procs.Eventually(within(t), func() error {
		// fasthttp keeps a few idle goroutines for the next connections.
		if f, r := count(); f > fds || r > routines+10 {
			return fmt.Errorf("%d descriptors and %d goroutines, before %d and %d: %s", f, r, fds, routines, procs.Listing(os.Getpid()))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	holds(t, s, "dir", "f", "u")
}
