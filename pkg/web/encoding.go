package web

import "strings"

// identity is the coding that changes nothing.
const identity = "identity"

// Encoding chooses the coding of an answer by the lines of a request's Accept-Encoding (RFC 9110, section 12.5.3): of those
// offered, the one that the client likes best, and among equals the first. It is "" when the answer goes out as it is: the
// client likes that better, or accepts none of what is offered, or says nothing.
func Encoding(accept []string, offered ...string) string {
	if len(accept) == 0 {
		return ""
	}
	best, most := "", 0
	for _, coding := range offered {
		if q, _ := weight(accept, coding); q > most {
			best, most = coding, q
		}
	}
	if plain, said := weight(accept, identity); said && plain > most {
		return ""
	}
	return best
}

// RefusesIdentity tells whether an Accept-Encoding says that an answer must not go out as it is.
func RefusesIdentity(accept []string) bool {
	q, said := weight(accept, identity)
	return said && q == 0
}

// weight is what a client gives a coding, in thousandths, and whether it has said so by the coding's name or by "*". What
// is malformed does not count. A coding that is named several times has the weight of its first mention.
func weight(accept []string, coding string) (q int, said bool) {
	star, starred := 0, false
	for _, line := range accept {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ",")
			name, parameter, weighted := strings.Cut(item, ";")
			name = strings.Trim(name, " \t")
			w, ok := 1000, true
			if weighted {
				w, ok = quality(strings.Trim(parameter, " \t"))
			}
			switch {
			case !ok:
			case name == "*":
				if !starred {
					star, starred = w, true
				}
			case strings.EqualFold(name, coding), coding == "gzip" && strings.EqualFold(name, "x-gzip"): // RFC 9110, section 8.4.1.3
				return w, true
			}
		}
	}
	return star, starred
}

// quality reads "q=" and a number between 0 and 1 with up to three digits behind the point.
func quality(parameter string) (thousandths int, ok bool) {
	if len(parameter) < 3 || len(parameter) > 7 || parameter[0]|0x20 != 'q' || parameter[1] != '=' || parameter[2] != '0' && parameter[2] != '1' {
		return 0, false
	}
	thousandths = int(parameter[2]-'0') * 1000
	if len(parameter) == 3 {
		return thousandths, true
	}
	if parameter[3] != '.' {
		return 0, false
	}
	unit := 100
	for _, digit := range []byte(parameter[4:]) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		thousandths += int(digit-'0') * unit
		unit /= 10
	}
	return thousandths, thousandths <= 1000
}
