package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"hotcell/process/terminal/screen"
)

func sample(from, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte('a' + (from+i)%26)
	}
	return p
}

// drainTape reads what there is for a client.
func drainTape(t *testing.T, tp *tape, c *Client) (got []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		p, err := tp.next(ctx, c)
		if err != nil {
			return got, err
		}
		got = append(got, p...)
	}
}

// TestTapeAttach: whoever comes while a read is under way, for which there was
// room before he came, gets either all of it from the beginning or the screen.
func TestTapeAttach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		before        int
		seen, creator bool
		whole         bool
	}{
		{"nothing yet", 0, true, false, true},
		{"the first one", 1000, false, false, true},
		{"the creator, second", 1000, true, true, true},
		{"a later one", 1000, true, false, false},
		{"the first one, just in time", ringSize - readSize, false, false, true},
		{"the first one, too late", ringSize - readSize + 1, false, false, false},
		{"the creator, too late", ringSize, true, true, false},
		{"much later", 3*ringSize + 5, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tp := newTape(screen.New(80, 24), time.Minute, time.Minute, slog.New(slog.DiscardHandler))
			for at := 0; at < c.before; {
				n := min(readSize, c.before-at)
				tp.write(sample(at, n))
				at += n
			}
			if c.seen {
				other := &Client{}
				if err := tp.attach(other, false, 9); err != nil {
					t.Fatal(err)
				}
				tp.detach(other)
			}
			room := tp.room()
			client := &Client{}
			if err := tp.attach(client, c.creator, 9); err != nil {
				t.Fatal(err)
			}
			n := min(room, readSize)
			tp.write(sample(c.before, n))
			got, err := drainTape(t, tp, client)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if whole := bytes.Equal(got, sample(0, c.before+n)); whole != c.whole {
				t.Errorf("whole: %v, %d bytes", whole, len(got))
			}
			if screen := bytes.HasPrefix(got, []byte("\x1b[?1049l")); screen == c.whole {
				t.Errorf("a screen: %v", screen)
			}
			if !bytes.HasSuffix(got, sample(c.before, n)) {
				t.Error("what came later is missing")
			}
			tp.end()
			if _, err := drainTape(t, tp, client); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// TestTapeSurvivesItsScreen: a fault in the emulator costs the picture only.
func TestTapeSurvivesItsScreen(t *testing.T) {
	t.Parallel()
	tp := newTape(screen.New(80, 24), time.Minute, time.Minute, slog.New(slog.DiscardHandler))
	tp.guard(func() { panic("a fault") })
	client := &Client{}
	if err := tp.attach(client, false, 9); err != nil {
		t.Fatal(err)
	}
	tp.write([]byte("on"))
	if got, _ := drainTape(t, tp, client); string(got) != "on" {
		t.Errorf("%q", got)
	}
}
