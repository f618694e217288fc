package compression

import "strings"

// A strong entity tag names one sequence of bytes, so an answer that was compressed needs another one than the same answer
// as it is: "3" becomes "3-gzip". Handlers know nothing of it. Marked does it on the way out, Unmarked undoes it on the way
// in.

// Marked is the tag of a coded answer. A weak one names what an answer says, not its bytes, and stays.
func Marked(tag, coding string) string {
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return tag
	}
	return tag[:len(tag)-1] + "-" + coding + `"`
}

// IsMarked tells whether any tag in the lines of If-Match or If-None-Match may be that of a coded answer.
func IsMarked(lines []string) bool {
	for _, line := range lines {
		for _, coding := range Codings {
			if i := strings.Index(line, coding+`"`); i > 0 && line[i-1] == '-' {
				return true
			}
		}
	}
	return false
}

// Unmarked are the lines with the tags of the answers as they are, for those that were coded as one of the codings.
func Unmarked(lines []string, codings ...string) []string {
	plain := make([]string, len(lines))
	for i, line := range lines {
		for _, coding := range codings {
			line = strings.ReplaceAll(line, "-"+coding+`"`, `"`)
		}
		plain[i] = line
	}
	return plain
}
