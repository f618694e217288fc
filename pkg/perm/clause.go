package perm

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// clause is one part of a condition.
type clause struct {
	key, value  string
	at          time.Time // of from and until
	first, last int       // of days, Monday being 0; of hours, in minutes since midnight, last exclusive
}

var weekdays = [...]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func parseClause(text string) (clause, error) {
	if text == "own" {
		return clause{key: "own"}, nil
	}
	key, value, found := strings.Cut(text, "=")
	c := clause{key: strings.TrimSpace(key), value: strings.TrimSpace(value)}
	if !found {
		return c, fmt.Errorf("%q is neither own nor name=value", text)
	}
	var ok bool
	switch c.key {
	case "from", "until":
		var err error
		c.at, err = time.Parse(time.RFC3339, c.value)
		c.at = c.at.UTC()
		c.value = c.at.Format(time.RFC3339)
		ok = err == nil && c.at.Nanosecond() == 0
	case "days":
		c.first, c.last, ok = span(c.value, weekday)
	case "hours":
		c.first, c.last, ok = span(c.value, minute)
		ok = ok && c.first != c.last
	default:
		if !ValidAttribute(c.key) {
			return c, fmt.Errorf("%q does not begin with the name of an attribute", text)
		}
		ok = valueFormat.MatchString(c.value)
	}
	if !ok {
		return c, fmt.Errorf("%q has a value that %s cannot have", text, c.key)
	}
	return c, nil
}

func (c clause) String() string {
	if c.key == "own" {
		return c.key
	}
	return c.key + "=" + c.value
}

// attribute is the one that the clause looks at, or empty.
func (c clause) attribute() string {
	switch c.key {
	case "own":
		return Owner
	case "from", "until", "days", "hours":
		return ""
	}
	return c.key
}

func (c clause) holds(f Facts) bool {
	switch c.key {
	case "own":
		return f.Caller != uuid.Nil && f.Attributes[Owner] == f.Caller.String()
	case "from":
		return !f.Now.Before(c.at)
	case "until":
		return f.Now.Before(c.at)
	case "days":
		return inside(c.first, c.last, (int(f.Now.UTC().Weekday())+6)%7)
	case "hours":
		now := f.Now.UTC()
		at := now.Hour()*60 + now.Minute()
		return at != c.last && inside(c.first, c.last, at)
	}
	value, known := f.Attributes[c.key]
	return known && value == c.value
}

// inside tells whether n lies from first to last, going round when last is the smaller one.
func inside(first, last, n int) bool {
	if first <= last {
		return first <= n && n <= last
	}
	return n >= first || n <= last
}

// span reads "a-b", or "a" for days.
func span(text string, read func(string) (int, bool)) (first, last int, ok bool) {
	a, b, two := strings.Cut(text, "-")
	first, ok = read(a)
	if !ok || !two {
		return first, first, ok
	}
	last, ok = read(b)
	return first, last, ok
}

func weekday(text string) (int, bool) {
	for i, name := range weekdays {
		if name == text {
			return i, true
		}
	}
	return 0, false
}

func minute(text string) (int, bool) {
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}
