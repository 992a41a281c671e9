package screen_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/process/terminal/screen"
)

// streams are what programs write, in little.
func streams() map[string]string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "line \x1b[3%dm%d\x1b[m of forty\r\n", i%8, i)
	}
	lines := b.String()
	return map[string]string{
		"prompt":           "\x1b[?2004h\x1b]0;me@host: ~\a\x1b[01;32mme\x1b[00m:\x1b[01;34m~\x1b[00m$ ls\r\n\x1b[?2004lone  two\r\n$ ",
		"scrolled":         lines,
		"wrapped":          strings.Repeat("a long line that wraps ", 9) + "\r\nend",
		"full width":       strings.Repeat("x", 20),
		"wide":             "日本語の文字がここで折り返す。絵文字 👩‍💻 ✅\r\n" + strings.Repeat("漢", 25),
		"combining":        "e\u0301a\u0308 n\u0303 ก\u0e34\u0e48 👍🏽 x\u0336y\u0336",
		"full screen":      lines + "\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\x1b[1;24r\x1b[?12h\x1b[?25l\x1b[H\x1b[2J\x1b[7m title \x1b[27m\x1b[5;5Hbody\x1b[2 q\x1b[?1002h\x1b[?1006h\x1b[4;6r\x1b[6;1H\nmore\x1b[?25h",
		"left again":       "before\x1b7\x1b[?1049h\x1b[31mthere\x1b[?1049l after",
		"saved":            "\x1b[3;4H\x1b[1;35m\x1b(0\x0e\x1b7\x1b[m\x1b(B\x0f\x1b[Habc",
		"line drawing":     "\x1b(0lqqk\x1b(B\r\n\x1b)0\x0ex\x0f \x0ex\r\nmqqj",
		"region":           lines + "\x1b[2;5r\x1b[?6h\x1b[2;3Hin\x1b[10Smore\x1b[3Tless",
		"origin saved":     "\x1b[3;6r\x1b[?6h\x1b[2;2H\x1b7\x1b[?6l\x1b[H",
		"insert, delete":   "abcdefghij\x1b[1;4H\x1b[3@\x1b[5CX\x1b[2P\x1b[1;1H\x1b[4hZ\x1b[4l\r\nrow\x1b[L\x1b[2Mx",
		"wide taken apart": "漢字漢字漢字\x1b[1;2Hx\x1b[1;5H\x1b[P\x1b[1;8H\x1b[2X\x1b[1;1H\x1b[@",
		"backgrounds":      "\x1b[44m\x1b[2J\x1b[3;3Hon blue\x1b[K\x1b[48;2;1;2;3m\x1b[5;1H\x1b[K\x1b[41mx\x1b[1J",
		"styles":           "\x1b[1;2;3;5;7;8;9;53mall\x1b[22;23;25;27;28;29;55mnone \x1b[4mu\x1b[4:3mc\x1b[58:2::9:8:7mU\x1b[21mdd\x1b[24m\x1b[38;5;208mo\x1b[38:5:33mb\x1b[97;100mbright",
		"tabs":             "\x1b[3g\x1b[1;5H\x1bH\x1b[1;11H\x1bH\r\tfive\televen\x1b[Zback",
		"modes":            "\x1b[?1;5;1004;2004h\x1b[?7l\x1b=\x1b[20h\x1b[>4;2m\x1b[>1u\x1b[>5u\x1b[=3u\x1b[5 q\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?2048h\x1b[?12l",
		"keys of two":      "\x1b[>1u\x1b[?1049h\x1b[>9u",
		"settings":         "\x1b]2;a title; with more\x1b\\\x1b]7;file://host/dir\a\x1b]4;1;#123456;2;rgb:1/2/3\a\x1b]12;red\a\x1b]10;?\a\x1b]104;1\a",
		"no wrap":          "\x1b[?7l" + strings.Repeat("0123456789", 5),
		"wrap due":         "\x1b[31m" + strings.Repeat("x", 20) + "\x1b[32m",
		"wrap due, wide":   strings.Repeat("漢", 10),
		"repeat":           "-\x1b[18b>\x1b[m=\x1b[40b",
		"queries":          "a\x1b[6n\x1b[c\x1b[>c\x1b]11;?\a\x1b[?2026$p\x1bP+q544e\x1b\\\x1b[5nb\x1b[18t\x1b[?u\x1b[?996n\x1bZ",
		"strings":          "a\x1bPq#0;2;0;0;0#0~~@@vv\x1b\\b\x1b_Gf=100;AAAA\x1b\\c\x1b^private\x1b\\d\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
		"long string":      "a\x1bPq" + strings.Repeat("~", 5000) + "\x1b\\b\x1b]52;c;" + strings.Repeat("QUJD", 1500) + "\ac\x1b[" + strings.Repeat("1;", 2500) + "md",
		"broken":           "\xff\xfe\xe6\x97a\xf0\x9f\x92\xc3(\x80\x1b[1\x18x\x1b[3\x1b[4m\x1b[;;;m\x1b]0;never\x1b[31mx\u009b4md",
		"reset":            lines + "\x1b[?1049h\x1bcfresh",
		"alignment":        "\x1b#8\x1b[2;2H\x1b[1K",
		"bottom, outside":  "\x1b[2;4r\x1b[6;1Hlast\n\n\nlast",
		"cursor styles":    "\x1b[?25l\x1b[6 q",
	}
}

const (
	cols = 20
	rows = 6
)

func play(t *testing.T, parts ...string) *screen.Screen {
	t.Helper()
	s := screen.New(cols, rows)
	for _, p := range parts {
		_, _ = s.Write([]byte(p))
	}
	return s
}

// TestReplayAnywhere cuts every stream at every byte: what comes in there
// sees the same from then on.
func TestReplayAnywhere(t *testing.T) {
	t.Parallel()
	for name, text := range streams() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := play(t, text).Dump()
			seen := screen.New(cols, rows)
			step := max(len(text)/250, 1)
			for at := 0; at <= len(text); at += step {
				late := play(t, string(seen.Replay()))
				if diff := cmp.Diff(seen.Dump(), late.Dump()); diff != "" {
					t.Fatalf("after %q (-seen +late):\n%s\n%q", text[:at], diff, seen.Replay())
				}
				_, _ = late.Write([]byte(text[at:]))
				if diff := cmp.Diff(whole, late.Dump()); diff != "" && !strings.HasPrefix(name, "long") {
					t.Fatalf("at the end, from byte %d (-whole +late):\n%s", at, diff)
				}
				_, _ = seen.Write([]byte(text[at:min(at+step, len(text))]))
			}
		})
	}
}

// TestReplayOverAnything draws over what another program has left.
func TestReplayOverAnything(t *testing.T) {
	t.Parallel()
	all := streams()
	for name, text := range all {
		seen := play(t, text)
		for before, other := range all {
			used := play(t, other, "\x1b\\", string(seen.Replay()))
			want, got := seen.Dump(), used.Dump()
			// The other's history, colours and settings that have no default stay.
			want.History, got.History = nil, nil
			want.Strings, got.Strings = "", ""
			want.Tabs, got.Tabs = "", ""
			want.Modes, got.Modes = odd.ReplaceAllString(want.Modes, ""), odd.ReplaceAllString(got.Modes, "")
			if strings.Contains(other, "u") && strings.Contains(other, "[>") {
				want.Modes, got.Modes = "", "" // what is pushed on its keyboard stays below
			}
			if !want.OnAlt {
				want.MainSaved, got.MainSaved = "", ""
				want.Saved, got.Saved = "", ""
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s after %s (-want +got):\n%s", name, before, diff)
			}
		}
	}
}

var odd = regexp.MustCompile(`\[[0-9 ]*\] \[[0-9 ]*\]`)

// TestReplayAsksNothing looks for what a terminal answers.
func TestReplayAsksNothing(t *testing.T) {
	t.Parallel()
	asks := regexp.MustCompile(`\x1b\[[?>=]?[0-9;]*[cn]|\x1bZ|\x1b\[\?[0-9]*u|\x1b\[[0-9;]*t|\$p|\?(\a|\x1b\\)|\x1bP|\x05`)
	for name, text := range streams() {
		if found := asks.Find(play(t, text).Replay()); found != nil {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// TestReplayAtRandom mixes pieces of all streams.
func TestReplayAtRandom(t *testing.T) {
	t.Parallel()
	var pieces []string
	for _, text := range streams() {
		if len(text) < 2000 {
			pieces = append(pieces, regexp.MustCompile(`\x1b[^\x1b]*|[^\x1b]+`).FindAllString(text, -1)...)
		}
	}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		seen := screen.New(cols, rows)
		var text bytes.Buffer
		for range 60 {
			text.WriteString(pieces[r.IntN(len(pieces))])
		}
		cut := r.IntN(text.Len())
		_, _ = seen.Write(text.Bytes()[:cut])
		late := play(t, string(seen.Replay()))
		if diff := cmp.Diff(seen.Dump(), late.Dump()); diff != "" {
			t.Fatalf("seed %d (-seen +late):\n%s\n%q\n%q", seed, diff, text.Bytes()[:cut], seen.Replay())
		}
		_, _ = seen.Write(text.Bytes()[cut:])
		_, _ = late.Write(text.Bytes()[cut:])
		if diff := cmp.Diff(seen.Dump(), late.Dump()); diff != "" {
			t.Fatalf("seed %d, in the end (-seen +late):\n%s", seed, diff)
		}
	}
}

func FuzzReplay(f *testing.F) {
	for _, text := range streams() {
		f.Add([]byte(text), 17, 5)
	}
	f.Fuzz(func(t *testing.T, text []byte, w, h int) {
		seen := screen.New(w%200, h%60)
		_, _ = seen.Write(text)
		seen.Resize(h%200, w%60)
		late := screen.New(seen.Size())
		_, _ = late.Write(seen.Replay())
		want, got := seen.Dump(), late.Dump()
		want.History, got.History = nil, nil // see the bounds
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-seen +late):\n%s\n%q", diff, seen.Replay())
		}
	})
}
