package session

import "errors"

// Kind says what a piece of a command's log is.
type Kind byte

// Kinds of pieces.
const (
	Stdout Kind = 'o'
	Stderr Kind = 'e'
	// End stands where the command ended; its text is for the store, and nobody is
	// shown it. What comes behind it is the output of processes that it left running.
	End Kind = 'x'
)

// Piece is one record of a command's log: text of one stream, valid UTF-8 with
// whole characters, at most 31 KiB.
type Piece struct {
	Kind Kind
	Text string
}

// codec keeps pieces on disk: a letter and the text.
type codec struct{}

// Size is what a piece occupies, with an estimate for its fixed part.
func (codec) Size(p Piece) int { return 32 + len(p.Text) }

func (codec) Append(dst []byte, p Piece) ([]byte, error) {
	return append(append(dst, byte(p.Kind)), p.Text...), nil
}

func (codec) Decode(src []byte) (Piece, error) {
	if len(src) == 0 {
		return Piece{}, errors.New("empty record")
	}
	return Piece{Kind: Kind(src[0]), Text: string(src[1:])}, nil
}
