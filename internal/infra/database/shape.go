package database

import (
	"strings"
	"unicode/utf8"
)

// maxShape is the length in bytes at which a shape is cut.
const maxShape = 1000

// shape is the text of a statement without its values: every number and every quoted text is a "?", comments are gone and
// white space is one blank. Placeholders and names stay, also those between double quotes or backticks. It is cut at
// maxShape. Where it is uncertain what is a value, the rest is one.
func shape(query string) string {
	s := shaper{in: query}
	for s.at < len(s.in) && s.out.Len() <= maxShape {
		s.next()
	}
	out := strings.ToValidUTF8(strings.TrimSpace(s.out.String()), "?")
	if len(out) <= maxShape {
		return out
	}
	cut := maxShape
	for !utf8.RuneStart(out[cut]) {
		cut--
	}
	return out[:cut] + "…"
}

type shaper struct {
	in    string
	at    int
	out   strings.Builder
	blank bool // whether one is due before what comes
}

func (s *shaper) next() {
	rest := s.in[s.at:]
	switch c := rest[0]; {
	case c <= ' ':
		s.skip(1)
	case strings.HasPrefix(rest, "--"):
		s.skip(end(rest, "\n", 2))
	case strings.HasPrefix(rest, "/*"):
		s.skip(comment(rest))
	case c == '\'':
		s.value(quoted(rest, false))
	case c == '"' || c == '`':
		s.keep(end(rest, rest[:1], 1))
	case c == '$':
		s.dollar(rest)
	case digit(c), c == '.' && len(rest) > 1 && digit(rest[1]):
		s.value(number(rest))
	case c == '?' || c == ':' || c == '@':
		s.keep(1 + word(rest[1:])) // a placeholder, or a cast to the type that follows
	case word(rest) > 0:
		s.name(rest)
	default:
		s.keep(1)
	}
}

// name keeps a word, unless it is the prefix of a text, as in E'…'.
func (s *shaper) name(rest string) {
	n := word(rest)
	if n < len(rest) && rest[n] == '\'' && n == 1 {
		s.value(n + quoted(rest[n:], rest[0] == 'e' || rest[0] == 'E'))
		return
	}
	s.keep(n)
}

// dollar keeps $1 and takes out $tag$…$tag$.
func (s *shaper) dollar(rest string) {
	n := 1
	for n < len(rest) && rest[n] != '$' && letter(rest[n]) {
		n++
	}
	if n < len(rest) && rest[n] == '$' && (n == 1 || !digit(rest[1])) {
		s.value(end(rest, rest[:n+1], n+1))
		return
	}
	s.keep(n)
}

func (s *shaper) skip(n int) {
	s.at, s.blank = s.at+n, true
}

func (s *shaper) keep(n int) {
	s.write(s.in[s.at : s.at+n])
	s.at += n
}

func (s *shaper) value(n int) {
	s.write("?")
	s.at += n
}

func (s *shaper) write(text string) {
	if s.blank && s.out.Len() > 0 {
		s.out.WriteByte(' ')
	}
	s.blank = false
	s.out.WriteString(text)
}

// end is where the first closing after the opening of a length ends, or the whole length.
func end(rest, closing string, opening int) int {
	i := strings.Index(rest[opening:], closing)
	if i < 0 {
		return len(rest)
	}
	return opening + i + len(closing)
}

// comment is the length of a comment, which may have others in it.
func comment(rest string) int {
	depth := 0
	for i := 0; i+1 < len(rest); i++ {
		switch rest[i : i+2] {
		case "/*":
			depth, i = depth+1, i+1
		case "*/":
			if depth, i = depth-1, i+1; depth == 0 {
				return i + 1
			}
		}
	}
	return len(rest)
}

// quoted is the length of a text in single quotes, in which two of them are one. A backslash before a quote says that the
// text goes on, or nothing, by the settings of the server (standard_conforming_strings): then it is everything.
func quoted(rest string, backslashes bool) int {
	for i := 1; i < len(rest); i++ {
		switch {
		case backslashes && rest[i] == '\\':
			i++
		case rest[i] == '\'' && !backslashes && rest[i-1] == '\\':
			return len(rest)
		case rest[i] == '\'' && i+1 < len(rest) && rest[i+1] == '\'':
			i++
		case rest[i] == '\'':
			return i + 1
		}
	}
	return len(rest)
}

// number takes in 1_000, 0xff, .5 and 1e-9.
func number(rest string) int {
	n := 0
	for n < len(rest) && (letter(rest[n]) || rest[n] == '.' || (rest[n] == '-' || rest[n] == '+') && (rest[n-1] == 'e' || rest[n-1] == 'E')) {
		n++
	}
	return n
}

// word is the length of the name at the start, or 0.
func word(rest string) int {
	n := 0
	for n < len(rest) && (letter(rest[n]) || n > 0 && rest[n] == '$') {
		n++
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool {
	return digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}
