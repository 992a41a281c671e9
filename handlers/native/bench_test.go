package native_test

import (
	"errors"
	"io"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// drain reads a run to its end and returns what it wrote and how it ended.
func drain(tb testing.TB, r *client.Run) (written int, status wire.Status) {
	tb.Helper()
	for {
		events, err := r.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return written, status
		}
		if err != nil {
			tb.Fatal(err)
		}
		for _, e := range events {
			written += len(e.Text)
			status = e.Status
		}
	}
}

func execute(tb testing.TB, c *client.Client, code string) *client.Run {
	tb.Helper()
	r, err := c.Execute(tb.Context(), client.Code{Code: code})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// BenchmarkOnePlusOne is send to done on an open socket.
func BenchmarkOnePlusOne(b *testing.B) {
	c := dial(b, testserver.Start(b))
	drain(b, execute(b, c, "1+1"))
	for b.Loop() {
		drain(b, execute(b, c, "1+1"))
	}
}

// BenchmarkFlood is 50 MB to one client.
func BenchmarkFlood(b *testing.B) {
	c := dial(b, testserver.Start(b))
	drain(b, execute(b, c, "import os; block = (b'x' * 79 + b'\\n') * 820"))
	const size = 50 << 20
	b.SetBytes(size)
	for b.Loop() {
		n, _ := drain(b, execute(b, c, "for _ in range(50*(1<<20)//len(block) + 1): os.write(1, block)"))
		if n < size {
			b.Fatalf("%d bytes came, %d were written", n, size)
		}
	}
}
