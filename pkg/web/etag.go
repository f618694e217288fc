// Package web holds the small rules of HTTP that every module's handler needs.
package web

import (
	"strconv"
	"strings"
)

// ETag is the strong entity tag of a version number that grows with every change (RFC 9110, section 8.8.3).
func ETag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

// Match tells whether an If-Match header accepts the entity tag: it is "*", or lists the tag. The comparison is strong,
// so that a weak tag never matches (RFC 9110, section 13.1.1).
func Match(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if candidate = strings.TrimSpace(candidate); candidate == "*" || candidate == tag {
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
		for line = strings.TrimLeft(line, " \t,"); line != ""; line = strings.TrimLeft(line, " \t,") {
			line = strings.TrimPrefix(line, "W/")
			if line == "" || line[0] != '"' {
				break
			}
			end := strings.IndexByte(line[1:], '"') + 2 // a tag may contain commas, and no quotes
			if end < 2 {
				break
			}
			if line[:end] == tag {
				return true
			}
			line = line[end:]
		}
	}
	return false
}
