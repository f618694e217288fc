package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/yourorg/platform/pkg/config"
)

// validate asks every section whether its effective values can work.
func (r *reader) validate(c *Config) {
	for _, s := range r.table.sections {
		if len(s.Declared) > 0 {
			r.validateDeclared(c, s)
			continue
		}
		into, section := blank(s.Defaults)
		if err := decode(c.values, s.Name, into.Interface()); err != nil {
			r.faults = append(r.faults, err)
			continue
		}
		if err := section().Validate(); err != nil {
			r.rejected(c, s.Name, err)
		}
	}
}

// blank returns a pointer to a copy of the defaults, and how to read it as what was declared: a struct or a pointer.
func blank(defaults config.Validator) (into reflect.Value, section func() config.Validator) {
	v := reflect.ValueOf(defaults)
	declared := reflect.Indirect(v)
	into = reflect.New(declared.Type())
	into.Elem().Set(declared)
	return into, func() config.Validator {
		if v.Kind() == reflect.Pointer {
			return into.Interface().(config.Validator)
		}
		return into.Elem().Interface().(config.Validator)
	}
}

// rejected reports the faults within what Validate returned: one per key, when the keys are named.
func (r *reader) rejected(c *Config, section string, err error) {
	if k, ok := err.(*config.KeyError); ok { //nolint:errorlint // wrapped ones are found below, one by one
		r.rejectedKey(c, section+"."+k.Key, c.discreet(section, k.Reason))
		return
	}
	switch u := err.(type) { //nolint:errorlint // this walks the tree
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			r.rejected(c, section, e)
		}
		return
	case interface{ Unwrap() error }:
		if inner := u.Unwrap(); inner != nil && namesKey(inner) {
			r.rejected(c, section, inner)
			return
		}
	}
	if r.sectionFaulty(section) {
		return // the values it looked at are not the ones that were given
	}
	r.faults = append(r.faults, fmt.Errorf("%s: %s", section, c.discreet(section, oneLine(err).Error())))
}

func namesKey(err error) bool {
	if _, ok := err.(*config.KeyError); ok { //nolint:errorlint // this walks the tree
		return true
	}
	switch u := err.(type) { //nolint:errorlint // this walks the tree
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			if namesKey(e) {
				return true
			}
		}
	case interface{ Unwrap() error }:
		return u.Unwrap() != nil && namesKey(u.Unwrap())
	}
	return false
}

func (r *reader) rejectedKey(c *Config, key, reason string) {
	if r.faulty[key] {
		return // reported already, and the value was not the one that was given
	}
	if from, ok := c.origins[key]; ok {
		r.fault(key, from, "%s", reason)
		return
	}
	r.faults = append(r.faults, fmt.Errorf("%s %s", key, reason))
}

func (r *reader) sectionFaulty(section string) bool {
	for key := range r.faulty {
		if strings.HasPrefix(key, section+".") {
			return true
		}
	}
	return false
}

// discreet replaces a reason that repeats a secret or a password of the section. Shorter values than four bytes are
// not looked for: they occur in ordinary words.
func (c *Config) discreet(section, reason string) string {
	for key, v := range c.values {
		if !strings.HasPrefix(key, section+".") {
			continue
		}
		for _, hidden := range hiddenTexts(v) {
			if len(hidden) >= 4 && strings.Contains(reason, hidden) {
				return "is not acceptable"
			}
		}
	}
	return reason
}

// hiddenTexts are the texts that a value masks when it is shown.
func hiddenTexts(value any) []string {
	switch x := value.(type) {
	case config.Secret:
		return []string{x.Reveal()}
	case config.URL:
		if x.Reveal() != x.String() {
			return []string{x.Reveal()}
		}
		return nil
	}
	v := reflect.ValueOf(value)
	if !isList(v.Type()) && !isMap(v.Type()) {
		return nil
	}
	var all []string
	for _, e := range v.Seq2() {
		all = append(all, hiddenTexts(e.Interface())...)
	}
	return all
}
