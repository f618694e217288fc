// Package config loads the configuration of the platform: code defaults, embedded files, a file, .env, the
// environment and flags, in that order, checked as a whole before anything starts.
package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the effective configuration. It never changes, so it may be used by several goroutines.
type Config struct {
	table   *table
	values  map[string]any
	origins map[string]origin
	looked  []string // files and folders that may hold settings
}

var _ config.Provider = (*Config)(nil)

// Value is one setting as it took effect.
type Value struct {
	Key    string
	Value  any    // of the field's type; a copy
	Text   string // for people, with secrets masked
	Reload bool   // it may change while the process runs
	Source string // "default", ".env", "environment variable PLATFORM_HTTP_ADDR", "file /etc/platform.yaml", …
}

// Get returns a copy of the effective value, with the type of the struct field that declares it.
func (c *Config) Get(key string) (any, bool) {
	v, ok := c.values[key]
	if !ok {
		return nil, false
	}
	return clone(v), true
}

// Unmarshal decodes every key below section, which may also be a nested one such as "http.tls", into the struct that
// into points to. Fields that are no keys keep their values. Slices and maps are copies.
func (c *Config) Unmarshal(section string, into any) error {
	if !c.table.groups[section] {
		return fmt.Errorf("config section %s is not declared", visible(section))
	}
	return decode(c.values, section, into)
}

// Environment is the name of the environment, such as "production".
func (c *Config) Environment() string {
	name, _ := c.values[environmentKey].(string)
	return name
}

// Values returns every known key in alphabetical order.
func (c *Config) Values() []Value {
	all := make([]Value, 0, len(c.table.names))
	for _, name := range c.table.names {
		v := clone(c.values[name])
		all = append(all, Value{Key: name, Value: v, Text: render(v), Reload: c.table.keys[name].reload, Source: c.origins[name].source})
	}
	return all
}

// Files are the files and folders that were looked at, also where there were none. Those built into the binary are not
// among them.
func (c *Config) Files() []string { return slices.Clone(c.looked) }

// String keeps the values out of logs: fmt cannot mask a secret inside an unexported field.
func (c *Config) String() string { return "configuration of " + c.Environment() }

// GoString keeps the values out of %#v too.
func (c *Config) GoString() string { return c.String() }

// decode writes the values below a section into a struct.
func decode(values map[string]any, section string, into any) error {
	below := map[string]any{}
	for key, v := range values {
		if rest, ok := strings.CutPrefix(key, section+"."); ok {
			below[rest] = v
		}
	}
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: into,
		// Without it mapstructure writes into the backing arrays and maps of the defaults.
		ZeroFields: true,
		MatchName:  func(key, field string) bool { return key == field },
	})
	if err != nil {
		return fmt.Errorf("decode section %s: %w", section, err)
	}
	if err := d.Decode(nest(below)); err != nil {
		return fmt.Errorf("decode section %s: %w", section, err)
	}
	return nil
}

// nest turns "tls.cert" into a map in a map.
func nest(flat map[string]any) map[string]any {
	root := map[string]any{}
	for key, v := range flat {
		path := strings.Split(key, ".")
		at := root
		for _, step := range path[:len(path)-1] {
			next, ok := at[step].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[step] = next
			}
			at = next
		}
		at[path[len(path)-1]] = v
	}
	return root
}

// snapshot is the outcome of the merge: the effective values and where each came from.
func snapshot(t *table, values map[string]any, layers []layer) *Config {
	c := &Config{table: t, values: values, origins: make(map[string]origin, len(values))}
	for _, name := range t.names {
		c.origins[name] = origin{source: "default"}
	}
	for _, l := range layers {
		maps.Copy(c.origins, l.origins())
	}
	return c
}
