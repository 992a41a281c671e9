package screen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/process/terminal/screen"
)

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "line %d\r\n", i)
	}
	return b.String()
}

// TestResize changes the size and looks at the rows, the history and the cursor.
func TestResize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text      string
		cols, rows      int
		history, screen []string
		cursor          string
	}{
		{"shorter, blank below", lines(1, 2) + "$ ", 20, 3, nil, []string{"line 1", "line 2", "$"}, "2,2"},
		{"shorter, full", lines(1, 5) + "$ ", 20, 3, []string{"line 1", "line 2", "line 3"}, []string{"line 4", "line 5", "$"}, "2,2"},
		{"taller, at the bottom", lines(1, 8) + "$ ", 20, 8, []string{"line 1"}, []string{"line 2", "line 3", "line 4", "line 5", "line 6", "line 7", "line 8", "$"}, "2,7"},
		{"taller, cleared", lines(1, 8) + "\x1b[H\x1b[2J$ ", 20, 8, []string{"line 1", "line 2", "line 3"}, []string{"$", "", "", "", "", "", "", ""}, "2,0"},
		{"narrower", "abcdefghijklmnopqrst\r\n$ ", 8, 6, nil, []string{"abcdefgh", "ijklmnop", "qrst", "$", "", ""}, "2,3"},
		{"wider", strings.Repeat("abcdefghij", 5) + "\r\n$ ", 25, 6, nil, []string{strings.Repeat("abcdefghij", 2) + "abcde", "fghij" + strings.Repeat("abcdefghij", 2), "$", "", "", ""}, "2,2"},
		{"narrower, wide", "漢字漢字漢字漢字漢字\r\n", 5, 8, nil, []string{"漢…字…", "漢…字…", "漢…字…", "漢…字…", "漢…字…", "", "", ""}, "0,5"},
		{"cursor in the middle", "abcdefghijklmnopqrst\x1b[1;10H", 8, 6, nil, []string{"abcdefgh", "ijklmnop", "qrst", "", "", ""}, "1,1"},
		{"narrower, into history", lines(1, 4) + "abcdefghijklmnopqrst\r\n$ ", 8, 6, []string{"line 1", "line 2"}, []string{"line 3", "line 4", "abcdefgh", "ijklmnop", "qrst", "$"}, "2,5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := play(t, c.text)
			s.Resize(c.cols, c.rows)
			d := s.Dump()
			if len(d.History) == 0 {
				d.History = nil
			}
			cursor, _, _ := strings.Cut(d.Cursor, " ")
			if diff := cmp.Diff([]any{c.history, c.screen, c.cursor}, []any{d.History, d.Rows, cursor}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestResizeOther: a full-screen program draws everything again; what is below
// it waits.
func TestResizeOther(t *testing.T) {
	t.Parallel()
	s := play(t, lines(1, 3)+"$ vim\x1b[?1049h\x1b[2J\x1b[Habove\x1b[6;15Hright")
	s.Resize(16, 4)
	_, _ = s.Write([]byte("\x1b[2;1Hnew"))
	d := s.Dump()
	if diff := cmp.Diff([]string{"above", "new", "", ""}, d.Alt); diff != "" {
		t.Error(diff)
	}
	_, _ = s.Write([]byte("\x1b[?1049l"))
	if d := s.Dump(); d.OnAlt || d.Rows[3] != "$ vim" || !strings.HasPrefix(d.Cursor, "5,3 ") {
		t.Errorf("%+v", d)
	}
}

// TestBounds: whatever is printed, what is kept is bounded.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := screen.New(1000, 5)
	for i := range 3000 {
		_, _ = fmt.Fprintf(s, "\x1b]4;%d;#000000\a\x1b[>1u%s\r\n", i, strings.Repeat("x", 900))
	}
	d := s.Dump()
	if n := len(d.History); n < 50 || n > 111 {
		t.Errorf("%d lines of 900 columns are kept", n)
	}
	if n := strings.Count(d.Strings, "="); n > 300 {
		t.Errorf("%d colours are kept", n)
	}
	s = screen.New(80, 24)
	for i := range 5000 {
		_, _ = fmt.Fprintf(s, "line %d a%c%c\r\n", i, 0x300+i%100, 0x300+i/50%100)
	}
	if d := s.Dump(); len(d.History) != 1000 || d.History[0] == d.History[1] {
		t.Errorf("%d lines are kept", len(d.History))
	}
	if n := len(s.Replay()); n > 40<<10 {
		t.Errorf("%d bytes of replay", n)
	}
}

// TestLeave gives back a terminal as it was.
func TestLeave(t *testing.T) {
	t.Parallel()
	for name, text := range streams() {
		s := play(t, text)
		leave := s.Leave()
		if strings.HasPrefix(name, "prompt") && len(leave) > 0 {
			t.Errorf("%s: %q", name, leave)
		}
		before := s.Dump()
		_, _ = s.Write(leave)
		after := s.Dump()
		if after.OnAlt || len(s.Leave()) > 0 {
			t.Errorf("%s: %q is not enough, %q", name, leave, s.Leave())
		}
		if !before.OnAlt && cmp.Diff(before.Rows, after.Rows) != "" {
			t.Errorf("%s: something was drawn", name)
		}
	}
}
