package files

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	// maxPattern is longer than a line that somebody looks for.
	maxPattern = 4 << 10
	// maxContent bounds all lines that one search returns.
	maxContent = 8 << 20
	// sniffed is how much of a file is looked at for a NUL, as git does it.
	sniffed = 8000
	// pieceSize is how much of a file is held at once; a longer line is
	// searched in pieces.
	pieceSize = 256 << 10
)

// Match is a line that holds the text.
type Match struct {
	File    string // absolute
	Line    int    // from 1
	Content string // at most MaxLine of it; … stands for what was cut off
}

// Find looks for text in a file, or in all files below a directory, in the
// order of names. The text is meant as it stands, with its case; a line counts
// once. Files with a NUL at their beginning are taken for binary and passed over.
func (t Tree) Find(ctx context.Context, path, text string) ([]Match, Account, error) {
	var account Account
	switch {
	case text == "":
		return nil, account, argument("the pattern is empty: give the text to look for")
	case strings.Contains(text, "\n"):
		return nil, account, argument("the pattern has a line break, and text is looked for line by line")
	case len(text) > maxPattern:
		return nil, account, argument("the pattern is longer than 4096 bytes")
	}
	abs, err := t.Path(path)
	if err != nil {
		return nil, account, err
	}
	w := walker{ctx: ctx, left: MaxVisited, account: &account}
	g := grep{walker: &w, text: []byte(text), found: []Match{}, in: bufio.NewReaderSize(nil, pieceSize)}
	st, err := os.Stat(abs)
	if err == nil && st.IsDir() {
		err = w.walk(abs, 0, g.visit)
	} else if err == nil {
		err = g.file(path, abs, 0)
	}
	if err != nil && !errors.Is(err, errFull) {
		return nil, account, listed(ctx, path, err)
	}
	return g.found, account, nil
}

// grep looks for text in one file after the other.
type grep struct {
	*walker
	text  []byte
	found []Match
	size  int // of all content found
	in    *bufio.Reader
}

// visit passes over what it cannot read. Files that say they are empty are
// passed over too: they are, or are the kernel's.
func (g *grep) visit(abs string, d fs.DirEntry) error {
	if !d.Type().IsRegular() {
		return nil
	}
	if st, err := d.Info(); err == nil && st.Size() == 0 {
		return nil
	}
	err := g.file(abs, abs, syscall.O_NOFOLLOW)
	if err != nil && !errors.Is(err, errFull) && ended(g.ctx) == nil {
		g.account.Unreadable++
		return nil
	}
	return err
}

func (g *grep) file(path, abs string, flags int) error {
	f, _, err := regular(path, abs, flags)
	if err != nil {
		return err
	}
	defer f.Close()
	g.in.Reset(f)
	head, err := g.in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.IndexByte(head, 0) >= 0 {
		g.account.Binary++
		return nil
	}
	for line := 1; ; line++ {
		content, at, err := g.line()
		if at >= 0 {
			if ferr := g.keep(Match{File: abs, Line: line, Content: content}); ferr != nil {
				return ferr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// line reads one line. If it holds the text, at isn't negative and content is
// what is shown of it.
func (g *grep) line() (content string, at int, err error) {
	at = -1
	var tail []byte // the end of the piece before, in which the text may begin
	for first := true; ; first = false {
		piece, err := g.in.ReadSlice('\n')
		whole := !errors.Is(err, bufio.ErrBufferFull)
		if at < 0 {
			joined := piece
			if len(tail) > 0 {
				joined = slices.Concat(tail, piece)
			}
			if at = bytes.Index(joined, g.text); at >= 0 {
				content = shown(joined, at, len(g.text), first, whole)
			}
			if !whole {
				tail = bytes.Clone(joined[max(0, len(joined)-len(g.text)+1):])
			}
		}
		if whole {
			return content, at, err
		}
		if err := ended(g.ctx); err != nil {
			return "", -1, err
		}
	}
}

// shown is a line, or the part of a long one where the text is. A line may have
// been read in pieces, of which this is the first or the last or neither.
func shown(line []byte, at, length int, first, last bool) string {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	from, to := 0, len(line)
	if to-from > MaxLine {
		from = max(0, at-MaxLine/4)
		to = min(len(line), max(from+MaxLine, at+length))
		for from > 0 && !utf8.RuneStart(line[from]) {
			from--
		}
		for to < len(line) && to > at+length && !utf8.RuneStart(line[to]) {
			to--
		}
	}
	s := strings.ToValidUTF8(string(line[from:to]), "\uFFFD")
	if from > 0 || !first {
		s = "…" + s
	}
	if to < len(line) || !last {
		s += "…"
	}
	return s
}

func (g *grep) keep(m Match) error {
	if len(g.found) == MaxFound {
		return g.full("there are more than 10000 matches")
	}
	if g.size += len(m.Content); g.size > maxContent {
		return g.full("the matches have more than 8 MiB")
	}
	g.found = append(g.found, m)
	return nil
}
