// Package config is how a module reads its settings.
package config

import (
	"fmt"
	"net/url"
)

// Provider reads the effective configuration, a snapshot taken at the start. For keys that may change see Live.
type Provider interface {
	// Get returns the effective value of a key such as "http.addr", and whether the key is known.
	Get(key string) (any, bool)

	// Unmarshal decodes one section, such as "http", over the values already in into, which points to the
	// section's struct.
	Unmarshal(section string, into any) error
}

// Section is what a package's settings look like: a struct with mapstructure tags, whose values are the defaults.
// Instead of a struct it can have Declared keys; several packages may declare some below one name.
type Section struct {
	Name     string
	Defaults Validator
	Declared []Declaration
	Live     bool // some keys may change while the process runs: those of the fields tagged reload:"true"
}

// Declaration is a key that is no field of a struct.
type Declaration struct {
	Key     string // below the section; it may have dots
	Default any    // of the type of its values, which a field could have as well
	Doc     string // a sentence
	Check   func(value any) error
}

// Validator rejects settings that cannot work. Use Invalid to name the key.
type Validator interface{ Validate() error }

// KeyError names the key whose value is not acceptable, relative to its section.
type KeyError struct{ Key, Reason string }

func (e *KeyError) Error() string { return e.Key + " " + e.Reason }

// Invalid returns a KeyError, such as Invalid("max_title", "must be at least %d", 1). Join several with errors.Join.
func Invalid(key, format string, args ...any) error {
	return &KeyError{Key: key, Reason: fmt.Sprintf(format, args...)}
}

const mask = "********"

// Secret is a value that never shows itself: it prints, logs and encodes as a mask.
type Secret string

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// String masks the value; an empty secret stays empty, so that a missing one can be seen.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString masks the value under %#v too.
func (s Secret) GoString() string { return s.String() }

// MarshalText masks the value in JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URL is an address that may hold a password, which never shows itself.
type URL string

// Reveal returns the whole address.
func (u URL) Reveal() string { return string(u) }

// String replaces the password, in the authority or in a "password" parameter. What is not an address with a scheme
// is masked whole: "host=db password=…" parses as a path.
func (u URL) String() string {
	if u == "" {
		return ""
	}
	parsed, err := url.Parse(string(u))
	if err != nil || parsed.Scheme == "" || parsed.Opaque != "" {
		return mask
	}
	q, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return mask
	}
	if q.Has("password") {
		q.Set("password", mask)
		parsed.RawQuery = q.Encode()
	}
	return parsed.Redacted()
}

// GoString masks the password under %#v too.
func (u URL) GoString() string { return u.String() }

// MarshalText masks the password in JSON, YAML and logs.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
