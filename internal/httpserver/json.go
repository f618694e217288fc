package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/yourorg/platform/pkg/problem"
)

// What a body may hold: far more than any contract needs, far less than hurts.
const (
	maxDepth  = 64     // levels
	maxValues = 50_000 // objects, arrays, strings, numbers … together
)

// parse reads one JSON value (RFC 8259), and nothing after it. It refuses what encoding/json would let pass or quietly
// change: text that is not Unicode, also by way of escapes, keys given twice, and NUL characters, which no store keeps.
func parse(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errEncoding
	}
	if !json.Valid(raw) { // the tokens below are more lenient than this
		return nil, malformed(json.Unmarshal(raw, new(json.RawMessage)))
	}
	if lone(raw) {
		return nil, errEncoding.Detailf("An escape is half of a surrogate pair.")
	}
	r := reader{tokens: json.NewDecoder(bytes.NewReader(raw)), left: maxValues}
	r.tokens.UseNumber() // a large integer must not lose digits on its way to the handler
	return r.value("", 0)
}

func malformed(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errBodyMalformed.Detailf("The JSON is wrong at byte %d.", syntax.Offset).Wrap(err)
	}
	return errBodyMalformed.Wrap(err)
}

// reader builds a value and stops at the first limit that it meets.
type reader struct {
	tokens *json.Decoder
	left   int
}

func (r *reader) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errBodyMalformed.Detailf("The JSON nests more than %d levels deep.", maxDepth)
	}
	if r.left--; r.left < 0 {
		return nil, errTooLarge.Detailf("The JSON has more than %d values.", maxValues)
	}
	token, err := r.tokens.Token()
	if err != nil {
		return nil, malformed(err)
	}
	switch t := token.(type) {
	case string:
		if strings.ContainsRune(t, 0) {
			return nil, errInvalid.With(problem.Field{Field: path, Code: "nul", Message: "contains a NUL character"})
		}
	case json.Delim:
		if t == '{' {
			return r.object(path, depth)
		}
		return r.array(path, depth)
	}
	return token, nil
}

func (r *reader) object(path string, depth int) (any, error) {
	object := map[string]any{}
	for r.tokens.More() {
		token, err := r.tokens.Token()
		if err != nil {
			return nil, malformed(err)
		}
		key, ok := token.(string)
		if !ok {
			return nil, malformed(fmt.Errorf("a key is a %T", token))
		}
		if strings.ContainsRune(key, 0) {
			return nil, errInvalid.With(problem.Field{Field: path, Code: "nul", Message: "has a key with a NUL character"})
		}
		at := join(path, printable(key))
		if _, twice := object[key]; twice {
			return nil, errInvalid.With(problem.Field{Field: at, Code: "repeated", Message: "may be given once"})
		}
		if object[key], err = r.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	return object, r.end()
}

func (r *reader) array(path string, depth int) (any, error) {
	array := []any{}
	for r.tokens.More() {
		item, err := r.value(join(path, strconv.Itoa(len(array))), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, item)
	}
	return array, r.end()
}

func (r *reader) end() error {
	if _, err := r.tokens.Token(); err != nil {
		return malformed(err)
	}
	return nil
}

// lone looks for an escape of half a surrogate pair, which encoding/json replaces by U+FFFD. In valid JSON a backslash
// stands in strings only, and always before what it escapes.
func lone(raw []byte) bool {
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			return false
		}
		high, ok := escaped(raw[at:])
		if !ok {
			raw = raw[at+2:]
			continue
		}
		raw = raw[at+6:]
		if !utf16.IsSurrogate(high) {
			continue
		}
		low, ok := escaped(raw)
		if !ok || utf16.DecodeRune(high, low) == utf8.RuneError {
			return true
		}
		raw = raw[6:]
	}
}

// escaped reads \uXXXX.
func escaped(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(n), err == nil
}
