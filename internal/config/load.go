package config

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/viper"

	embedded "github.com/yourorg/platform/config"
	"github.com/yourorg/platform/pkg/config"
)

const environmentKey = "environment"

// Options say where to look beyond the embedded files.
type Options struct {
	File        string   // --config: a YAML file that must exist; none when empty
	Environment string   // --environment: wins over PLATFORM_ENVIRONMENT; not given when empty
	Set         []string // --set: "key=value", the last one of a key wins
	Dir         string   // where .env and config/secrets are looked for; the working directory when empty
	Environ     []string // "NAME=value"; os.Environ() when nil
	Embedded    fs.FS    // default.yaml and one file per environment; the ones built into the binary when nil
}

// Load reads every layer, merges them and validates every section. It reports all faults at once, one per line, each
// with the key and where it came from, and never a secret's value.
func Load(opts Options, sections []config.Section) (*Config, error) {
	t, err := newTable(sections)
	if err != nil {
		return nil, err
	}
	r := reader{table: t}

	env := r.environment(opts)
	dotenv := r.dotenv(opts.Dir)
	flags := r.flags(opts.Set, opts.Environment)
	layers := append(r.embedded(opts.Embedded, dotenv, env, flags), r.file(opts.File), dotenv, env)

	values := merge(t, layers, flags)
	c := snapshot(t, values, append(layers, flags))
	c.looked = r.looked
	r.validate(c)
	if err := errors.Join(r.faults...); err != nil {
		return nil, err
	}
	return c, nil
}

// merge lets viper lay the layers over each other. Every layer is already strict and typed: viper would accept
// unknown keys, fold the case of map keys and guess at types. Its environment lookup is not used, because it does not
// see keys that are set nowhere else and cannot tell "a_b.c" from "a.b_c".
func merge(t *table, layers []layer, flags layer) map[string]any {
	v := viper.New()
	for name, k := range t.keys {
		v.SetDefault(name, k.def)
	}
	for _, l := range layers {
		// MergeConfigMap returns an error to keep its signature; it has none to return.
		_ = v.MergeConfigMap(nest(l.values()))
	}
	for name, value := range flags.values() {
		v.Set(name, value)
	}
	values := make(map[string]any, len(t.keys))
	for name := range t.keys {
		values[name] = v.Get(name)
	}
	return values
}

// embedded reads default.yaml and the file of the environment, which the later layers choose.
func (r *reader) embedded(files fs.FS, dotenv, env, flags layer) []layer {
	if files == nil {
		files = embedded.Files
	}
	name := entry{value: "development", origin: origin{source: "default"}}
	for _, l := range []layer{dotenv, env, flags} {
		if e, ok := l[environmentKey]; ok {
			name = e
		}
	}
	known := environments(files)
	names := []string{"default"}
	if chosen, _ := name.value.(string); slices.Contains(known, chosen) {
		names = append(names, chosen)
	} else {
		r.fault(environmentKey, name.origin, "must be one of %s", strings.Join(known, ", "))
	}

	layers := make([]layer, 0, len(names)+2)
	for _, name := range names {
		from := origin{source: path.Join("config", name+".yaml") + " (embedded)"}
		data, err := fs.ReadFile(files, name+".yaml")
		if err != nil {
			r.broken(from, "cannot be read: %s", withoutPath(err))
			continue
		}
		layers = append(layers, r.yaml(data, from))
	}
	return layers
}

// environments are the names that have a file.
func environments(files fs.FS) []string {
	found, _ := fs.Glob(files, "*.yaml")
	var names []string
	for _, f := range found {
		if name := strings.TrimSuffix(f, ".yaml"); name != "default" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// file reads the file of --config.
func (r *reader) file(name string) layer {
	if name == "" {
		return nil
	}
	r.looked = append(r.looked, name)
	from := origin{source: "file " + visible(name)}
	data, err := os.ReadFile(name)
	if err != nil {
		r.broken(from, "given with --config cannot be read: %s", withoutPath(err))
		return nil
	}
	return r.yaml(data, from)
}

// flags reads "key=value" pairs. A pair without "=" is not shown: it may be a value.
func (r *reader) flags(pairs []string, environment string) layer {
	l := layer{}
	from := origin{source: "flag --set"}
	for i, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		switch {
		case !ok:
			r.broken(from, "number %d is not of the form key=value", i+1)
		case name == environmentKey:
			r.fault(name, from, "is set with --environment")
		case r.table.keys[name] == nil:
			r.unknownKey(name, from)
		default:
			r.text(l, r.table.keys[name], text, from)
		}
	}
	if environment != "" {
		l[environmentKey] = entry{value: environment, origin: origin{source: "flag --environment"}}
	}
	return l
}
