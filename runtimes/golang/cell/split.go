package cell

import (
	"go/scanner"
	"go/token"
	"strings"
)

// kind says what a top-level piece of a cell is.
type kind int

const (
	statement kind = iota
	clause         // package main
	imports
	constants
	variables
	typeDecl
	funcPiece // also a method
)

// piece is one top-level declaration or statement of a cell, as it was written.
type piece struct {
	kind      kind
	text      string
	line, col int // 1-based; col in bytes
	name      string
}

// lexed is a token with its place.
type lexed struct {
	tok token.Token
	lit string
	pos int
}

// split cuts a cell at the semicolons, written or implied, that stand outside
// of all brackets.
func split(code string) ([]piece, *scanError) {
	toks, serr := scan(code)
	if serr != nil {
		return nil, serr
	}
	var out []piece
	depth, first := 0, 0
	for i, t := range toks {
		switch t.tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		end := t.tok == token.EOF || (t.tok == token.SEMICOLON && depth <= 0)
		if !end {
			continue
		}
		if i > first {
			p := classify(toks[first:i])
			p.text = code[toks[first].pos:t.pos]
			p.line, p.col = place(code, toks[first].pos)
			out = append(out, p)
		}
		first = i + 1
	}
	return out, nil
}

type scanError struct {
	pos int
	msg string
}

func scan(code string) ([]lexed, *scanError) {
	var s scanner.Scanner
	var fail *scanError
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(code))
	s.Init(file, []byte(code), func(p token.Position, msg string) {
		if fail == nil {
			fail = &scanError{p.Offset, msg}
		}
	}, 0)
	var out []lexed
	for {
		pos, tok, lit := s.Scan()
		out = append(out, lexed{tok, lit, file.Offset(pos)})
		if tok == token.EOF {
			return out, fail
		}
	}
}

func classify(toks []lexed) piece {
	switch toks[0].tok {
	case token.PACKAGE:
		return piece{kind: clause}
	case token.IMPORT:
		return piece{kind: imports}
	case token.CONST:
		return piece{kind: constants}
	case token.VAR:
		return piece{kind: variables}
	case token.TYPE:
		return piece{kind: typeDecl}
	case token.FUNC:
		return classifyFunc(toks)
	}
	return piece{kind: statement}
}

// classifyFunc tells a declaration from a literal that is called on the spot.
func classifyFunc(toks []lexed) piece {
	if len(toks) > 1 && toks[1].tok == token.IDENT {
		return piece{kind: funcPiece, name: toks[1].lit}
	}
	depth := 0
	for i, t := range toks[1:] {
		switch t.tok {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			depth--
		}
		if depth > 0 {
			continue
		}
		rest := toks[i+2:]
		if len(rest) > 1 && rest[0].tok == token.IDENT && rest[1].tok == token.LPAREN {
			return piece{kind: funcPiece}
		}
		break
	}
	return piece{kind: statement}
}

// place gives the 1-based line and byte column of an offset.
func place(code string, offset int) (line, col int) {
	before := code[:offset]
	return strings.Count(before, "\n") + 1, offset - strings.LastIndexByte(before, '\n')
}
