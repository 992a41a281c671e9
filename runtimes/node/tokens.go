package node

import (
	"errors"
	"io"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/js"
)

// token is one lexical element of a cell. Together they are the cell.
type token struct {
	kind  js.TokenType
	text  string
	start int
	depth int // how many brackets it stands in; both brackets of a pair count as outside
}

func (t token) end() int { return t.start + len(t.text) }

// blank says that a token carries no meaning: space, line end, comment.
func (t token) blank() bool {
	switch t.kind {
	case js.WhitespaceToken, js.LineTerminatorToken, js.CommentToken, js.CommentLineTerminatorToken:
		return true
	default:
		return false
	}
}

// tokenize splits a cell. False: the lexer does not understand it, which says
// nothing about V8.
func tokenize(code string) (tokens []token, ok bool) {
	s := scanner{lexer: js.NewLexer(parse.NewInputString(code))}
	at := 0
	for {
		kind, text := s.next()
		if kind == js.ErrorToken {
			return s.tokens, at == len(code) && errors.Is(s.lexer.Err(), io.EOF)
		}
		if at+len(text) > len(code) || string(text) != code[at:at+len(text)] {
			return nil, false
		}
		s.add(token{kind: kind, text: code[at : at+len(text)], start: at})
		at += len(text)
	}
}

// scanner knows enough of what was before to tell a regular expression from a
// division, which the lexer leaves to its caller.
type scanner struct {
	lexer  *js.Lexer
	tokens []token
	last   token     // the last one that is not blank
	before token     // the one before that
	open   []bracket // innermost last
	// closed says what a closing bracket that is last has closed.
	closed bracket
}

// bracket is one that is open.
type bracket struct {
	kind js.TokenType
	// statement: a block, or the head of if, for, while, with. What follows
	// its end begins an expression, so that a slash there begins a regular one.
	statement bool
}

func (s *scanner) next() (js.TokenType, []byte) {
	kind, text := s.lexer.Next()
	if (kind == js.DivToken || kind == js.DivEqToken) && s.expressionFollows() {
		return s.lexer.RegExp()
	}
	return kind, text
}

func (s *scanner) add(t token) {
	switch t.kind {
	case js.CloseBraceToken, js.CloseParenToken, js.CloseBracketToken, js.TemplateEndToken, js.TemplateMiddleToken:
		s.closed = bracket{}
		if n := len(s.open); n > 0 {
			s.closed = s.open[n-1]
			s.open = s.open[:n-1]
		}
	default:
	}
	t.depth = len(s.open)
	s.tokens = append(s.tokens, t)
	switch t.kind {
	case js.OpenBraceToken:
		s.open = append(s.open, bracket{kind: t.kind, statement: s.blockFollows()})
	case js.OpenParenToken:
		s.open = append(s.open, bracket{kind: t.kind, statement: s.headFollows()})
	case js.OpenBracketToken, js.TemplateStartToken, js.TemplateMiddleToken:
		s.open = append(s.open, bracket{kind: t.kind})
	default:
	}
	if !t.blank() {
		s.before, s.last = s.last, t
	}
}

// expressionFollows says whether an operand, not an operator, comes after the
// last token.
func (s *scanner) expressionFollows() bool {
	switch k := s.last.kind; k {
	case js.ErrorToken: // nothing yet
		return true
	case js.CloseParenToken, js.CloseBraceToken:
		return s.closed.statement
	case js.CloseBracketToken, js.TemplateToken, js.TemplateEndToken, js.StringToken, js.RegExpToken,
		js.PrivateIdentifierToken, js.IncrToken, js.DecrToken,
		js.ThisToken, js.SuperToken, js.NullToken, js.TrueToken, js.FalseToken:
		return false
	case js.AwaitToken, js.YieldToken:
		return true
	default:
		if s.before.kind == js.DotToken || s.before.kind == js.OptChainToken {
			return !js.IsIdentifierName(k)
		}
		return !js.IsNumeric(k) && (!js.IsIdentifierName(k) || js.IsReservedWord(k))
	}
}

// blockFollows says whether a brace after the last token opens a block or a
// body, and not an object.
func (s *scanner) blockFollows() bool {
	switch s.last.kind {
	case js.ErrorToken, js.SemicolonToken, js.CloseParenToken, js.ArrowToken, js.ElseToken, js.DoToken,
		js.TryToken, js.FinallyToken, js.CatchToken:
		return true
	case js.OpenBraceToken:
		return len(s.open) > 0 && s.open[len(s.open)-1].statement
	case js.CloseBraceToken:
		return s.closed.statement
	case js.ColonToken: // of a label or a case, or of a property
		return len(s.open) == 0 || s.open[len(s.open)-1].statement && s.open[len(s.open)-1].kind == js.OpenBraceToken
	default:
		// The name of a class, before its body.
		return js.IsIdentifierName(s.last.kind) && (!js.IsReservedWord(s.last.kind) || s.last.kind == js.StaticToken) &&
			(s.before.kind == js.ClassToken || s.before.kind == js.ExtendsToken)
	}
}

func (s *scanner) headFollows() bool {
	if s.before.kind == js.DotToken {
		return false
	}
	switch s.last.kind {
	case js.IfToken, js.ForToken, js.WhileToken, js.WithToken:
		return true
	case js.AwaitToken: // for await (…)
		return s.before.kind == js.ForToken
	default:
		return false
	}
}
