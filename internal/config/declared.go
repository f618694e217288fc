package config

import (
	"reflect"
	"strings"

	"github.com/yourorg/platform/pkg/config"
)

// declared adds the keys that a section lists. Several sections of one name may do so.
func (t *table) declared(s config.Section) {
	if !nameFormat.MatchString(s.Name) || s.Defaults != nil {
		t.bad("section %q: declared keys need a section of their own, with a name in lower case", s.Name)
		return
	}
	t.groups[s.Name] = true
	for _, d := range s.Declared {
		name := s.Name + "." + d.Key
		typ := reflect.TypeOf(d.Default)
		switch {
		case !nameFormat.MatchString(name):
			t.bad("section %s: the key %q must be lower case letters, digits and underscores", s.Name, d.Key)
		case typ == nil || !isLeaf(typ):
			t.bad("%s: a setting cannot be a %T", name, d.Default)
		case d.Doc == "":
			t.bad("%s: the sentence about it is missing", name)
		default:
			t.add(&key{name: name, typ: typ, def: clone(d.Default), doc: d.Doc})
			t.above(name)
		}
	}
}

// above makes every part of a name before a dot a group.
func (t *table) above(name string) {
	for at := strings.LastIndexByte(name, '.'); at > 0; at = strings.LastIndexByte(name, '.') {
		name = name[:at]
		t.groups[name] = true
	}
}

// validateDeclared asks every declared key about its effective value.
func (r *reader) validateDeclared(c *Config, s config.Section) {
	for _, d := range s.Declared {
		if d.Check == nil {
			continue
		}
		name := s.Name + "." + d.Key
		if err := d.Check(clone(c.values[name])); err != nil {
			r.rejectedKey(c, name, c.discreet(s.Name, oneLine(err).Error()))
		}
	}
}

// Given tells whether any place says what the value of a key is, so that it is not the default of the code.
func (c *Config) Given(key string) bool {
	o, known := c.origins[key]
	return known && o.source != "default"
}
