package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// origin is where a value came from.
type origin struct {
	source string
	line   int // 0 when lines mean nothing there
}

func (o origin) String() string {
	if o.line == 0 {
		return o.source
	}
	return fmt.Sprintf("%s, line %d", o.source, o.line)
}

// entry is a value of the key's type.
type entry struct {
	value  any
	origin origin
}

// layer is what one place says, by key.
type layer map[string]entry

func (l layer) values() map[string]any {
	values := make(map[string]any, len(l))
	for key, e := range l {
		values[key] = e.value
	}
	return values
}

func (l layer) origins() map[string]origin {
	origins := make(map[string]origin, len(l))
	for key, e := range l {
		origins[key] = e.origin
	}
	return origins
}

// reader collects the faults of all layers, so that one start shows them all.
type reader struct {
	table  *table
	faults []error
	faulty map[string]bool
	looked []string // files and folders that may hold settings
}

// fault rejects a known key's value.
func (r *reader) fault(key string, from origin, reason string, args ...any) {
	if r.faulty == nil {
		r.faulty = map[string]bool{}
	}
	r.faulty[key] = true
	r.faults = append(r.faults, fmt.Errorf("%s %s (from %s)", visible(key), fmt.Sprintf(reason, args...), from))
}

// broken rejects a whole place, or a part of it that has no key.
func (r *reader) broken(from origin, reason string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s %s", from, fmt.Sprintf(reason, args...)))
}

func (r *reader) unknownKey(key string, from origin) {
	r.faults = append(r.faults, fmt.Errorf("%s is not a known key%s (from %s)",
		visible(key), suggestion(key, r.table.spellings()), from))
}

// text parses a value that has no type of its own, such as an environment variable.
func (r *reader) text(l layer, k *key, text string, from origin) {
	v, err := parseText(k.typ, text)
	if err != nil {
		r.fault(k.name, from, "%s", err)
		return
	}
	l[k.name] = entry{value: v.Interface(), origin: from}
}

// visible returns a name as it is, or quoted when it is empty or would break the line.
func visible(name string) string {
	if q := strconv.Quote(name); name == "" || q != `"`+name+`"` {
		return q
	}
	return name
}

// withoutPath returns the bare reason of a failed file operation.
func withoutPath(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
