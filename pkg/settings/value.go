package settings

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yourorg/platform/pkg/config"
)

// Fault says why a value is not acceptable. It never contains the value.
type Fault struct {
	Code   string // stable, such as "too_large"
	Reason string // "must be at most 5"
}

func (f *Fault) Error() string { return f.Reason }

func fault(code, format string, args ...any) error {
	return &Fault{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// Parse reads a value as JSON spells it, decoded into an any, and accepts it or returns a *Fault.
func (d Definition) Parse(v any) (any, error) {
	value, ok := d.typed(v)
	if !ok {
		return nil, fault("type", "must be %s", d.article())
	}
	return value, d.Accept(value)
}

func (d Definition) typed(v any) (value any, ok bool) {
	text, isText := v.(string)
	switch d.Type {
	case Boolean:
		value, ok = v.(bool)
	case Integer:
		n, isNumber := v.(float64)
		return int(n), isNumber && n == math.Trunc(n) && math.Abs(n) <= safeInteger
	case Text, Choice:
		return text, isText
	case Secret:
		return config.Secret(text), isText
	case Duration:
		length, err := time.ParseDuration(text)
		return length, isText && err == nil
	case List:
		return texts(v)
	}
	return value, ok
}

func texts(v any) (any, bool) {
	items, ok := v.([]any)
	list := make([]string, len(items))
	for i, item := range items {
		text, isText := item.(string)
		list[i], ok = text, ok && isText
	}
	return list, ok
}

func (d Definition) article() string {
	switch d.Type {
	case Boolean:
		return "true or false"
	case Integer:
		return "an integer"
	case Duration:
		return `a duration such as "30s" or "1h30m"`
	case List:
		return "a list of texts"
	default:
		return "a text"
	}
}

// Accept holds a value of the Go type against the rules and returns nil or a *Fault.
func (d Definition) Accept(value any) error {
	var err error
	switch v := value.(type) {
	case int:
		err = d.within(int64(v))
	case time.Duration:
		err = d.within(int64(v))
	case string:
		err = d.text(v)
	case config.Secret:
		if err = d.text(v.Reveal()); err == nil && v == "" {
			err = fault("required", "must not be empty")
		}
	case []string:
		err = d.list(v)
	}
	if err != nil || d.check == nil {
		return err
	}
	if err := d.check(value); err != nil {
		return fault("invalid", "%s", err.Error())
	}
	return nil
}

func (d Definition) within(n int64) error {
	low, high := int64(-safeInteger), int64(safeInteger)
	if d.Type == Duration {
		low, high = math.MinInt64, math.MaxInt64
	}
	if d.Min != nil {
		low = *d.Min
	}
	if d.Max != nil {
		high = *d.Max
	}
	switch {
	case n < low:
		return fault("too_small", "must be at least %v", d.shown(low))
	case n > high:
		return fault("too_large", "must be at most %v", d.shown(high))
	}
	return nil
}

// shown is a bound of the range as JSON spells it.
func (d Definition) shown(n int64) any {
	if d.Type == Duration {
		return spell(time.Duration(n))
	}
	return n
}

func (d Definition) text(s string) error {
	switch {
	case d.Type == Choice && !slices.Contains(d.Values, s):
		return fault("enum", "must be one of %s", strings.Join(d.Values, ", "))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fault("control_character", "must not contain control characters")
	case utf8.RuneCountInString(s) > d.MaxLength:
		return fault("too_long", "must have at most %d characters", d.MaxLength)
	case d.Pattern != nil && !d.Pattern.MatchString(s):
		return fault("pattern", "must match %s", d.Pattern)
	}
	return nil
}

func (d Definition) list(items []string) error {
	if len(items) > d.MaxItems {
		return fault("too_many", "must have at most %d items", d.MaxItems)
	}
	for i, item := range items {
		if item == "" {
			return fault("required", "must not have an empty item")
		}
		if slices.Contains(items[:i], item) {
			return fault("repeated", "must not repeat an item")
		}
		if err := d.text(item); err != nil {
			return err
		}
	}
	return nil
}

// Plain is a value as JSON spells it, ready to be encoded. A secret stays masked.
func (d Definition) Plain(value any) any {
	switch v := value.(type) {
	case time.Duration:
		return spell(v)
	case []string:
		if v == nil {
			return []string{}
		}
	}
	return value
}

// Range returns the bounds of an integer or a duration as JSON spells them; nil where there is none.
func (d Definition) Range() (low, high any) {
	if d.Min != nil {
		low = d.shown(*d.Min)
	}
	if d.Max != nil {
		high = d.shown(*d.Max)
	}
	return low, high
}

// spell writes "1h" for what Go prints as "1h0m0s".
func spell(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
