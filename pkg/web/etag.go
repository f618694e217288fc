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
