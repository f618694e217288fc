// Package web holds the small rules of HTTP that every module's handler needs.
package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// ETag is the strong entity tag of a version number that grows with every change (RFC 9110, section 8.8.3).
func ETag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

// Digest is the strong entity tag of what has no version: of its JSON, as the answer shows it. Who compares it has to see to
// it that nobody changes the resource until the transaction ends.
func Digest(shown any) (string, error) {
	encoded, err := json.Marshal(shown)
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return strconv.Quote(base64.RawURLEncoding.EncodeToString(sum[:16])), nil
}

// ETagBeside is the tag of a version that is shown beside what changes without it, such as what follows from it and the
// configuration. An If-None-Match compares all of it. Condition.HoldsBeside compares the version alone, because a write
// changes nothing else.
func ETagBeside(version int, rest any) (string, error) {
	digest, err := Digest(rest)
	if err != nil {
		return "", err
	}
	return strconv.Quote(strconv.Itoa(version) + "-" + strings.Trim(digest, `"`)), nil
}

// Condition is what a write asks of the resource as it is. The zero Condition asks nothing.
type Condition struct{ header *string }

// IfMatch is the condition in an If-Match header. nil, which is no header, asks nothing.
//
// It is asked inside of the transaction of the write, about a resource whose row is locked or whose version is in the WHERE
// of the change: of several writes with one tag, one succeeds.
func IfMatch(header *string) Condition { return Condition{header} }

// Holds tells whether the write may change this version.
func (c Condition) Holds(version int) bool { return c.HoldsFor(ETag(version)) }

// HoldsBeside is Holds for tags of ETagBeside. That of ETag is accepted too.
func (c Condition) HoldsBeside(version int) bool {
	if c.header == nil || strings.TrimSpace(*c.header) == "*" {
		return true
	}
	for candidate, weak := range tags(*c.header) {
		seen, _, _ := strings.Cut(strings.Trim(candidate, `"`), "-")
		if seen == strconv.Itoa(version) && !weak {
			return true
		}
	}
	return false
}

// HoldsFor is Holds for a tag.
func (c Condition) HoldsFor(tag string) bool { return c.header == nil || Match(*c.header, tag) }

// Match tells whether an If-Match header accepts the entity tag: it is "*", or lists the tag. The comparison is strong,
// so that a weak tag never matches (RFC 9110, section 13.1.1). What is no entity tag ends the list.
func Match(header, tag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	for candidate, weak := range tags(header) {
		if candidate == tag && !weak {
			return true
		}
	}
	return false
}

// Fresh tells whether an If-None-Match header, of one or several lines, says that the client has what the entity tag
// names: it is "*", or lists the tag. The comparison is weak (RFC 9110, section 13.1.2). What is no entity tag ends a line.
func Fresh(lines []string, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, line := range lines {
		if strings.TrimSpace(line) == "*" {
			return true
		}
		for candidate := range tags(line) {
			if candidate == tag {
				return true
			}
		}
	}
	return false
}

// tags yields the entity tags of a line, without W/, and whether they are weak.
func tags(line string) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for line = strings.TrimLeft(line, " \t,"); line != ""; line = strings.TrimLeft(line, " \t,") {
			rest, weak := strings.CutPrefix(line, "W/")
			if rest == "" || rest[0] != '"' {
				return
			}
			end := strings.IndexByte(rest[1:], '"') + 2 // a tag may contain commas, and no quotes
			if end < 2 || !yield(rest[:end], weak) {
				return
			}
			line = rest[end:]
		}
	}
}
