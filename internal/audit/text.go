package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a row holds at the most, in bytes.
const (
	maxAction    = 128
	maxTarget    = 512
	maxIP        = 64
	maxRequestID = 128
	maxReason    = 256
)

// clean makes text safe to store and to show in one line: valid UTF-8 that prints, of at most limit bytes. Control
// characters could forge lines in an export, and Postgres refuses NUL.
func clean(text string, limit int) string {
	printable := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if len(printable) <= limit {
		return printable
	}
	for !utf8.RuneStart(printable[limit]) {
		limit--
	}
	return printable[:limit]
}
