package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxSecret bounds what is read from a file that holds one value, in bytes.
const maxSecret = 1 << 20

// variable is "NAME=value", from the environment or from .env.
type variable struct {
	name, value string
	origin      origin
}

// spelling is one way in which a key was given.
type spelling struct {
	key    *key
	text   string
	origin origin
}

// environment reads the variables of the process and the files of config/secrets. They are one layer: a key may be
// given by one of them only.
func (r *reader) environment(opts Options) layer {
	environ := opts.Environ
	if environ == nil {
		environ = os.Environ()
	}
	last := map[string]string{} // as in exec.Cmd, the last one of a name counts
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			last[name] = value
		}
	}
	vars := make([]variable, 0, len(last))
	for name, value := range last {
		vars = append(vars, variable{name, value, origin{source: "environment variable " + visible(name)}})
	}
	slices.SortFunc(vars, func(a, b variable) int { return cmp.Compare(a.name, b.name) })
	return r.layer(append(r.variables(vars, ""), r.secrets(opts.Dir)...))
}

// layer parses what was given, unless a key was given twice.
func (r *reader) layer(given []spelling) layer {
	l, byKey := layer{}, map[*key]spelling{}
	for _, s := range given {
		if first, ok := byKey[s.key]; ok {
			r.fault(s.key.name, first.origin, "is given twice: also by %s", s.origin)
			continue
		}
		byKey[s.key] = s
		r.text(l, s.key, s.text, s.origin)
	}
	return l
}

// variables finds the key of each PLATFORM_ variable. Relative names of files are looked up in dir.
func (r *reader) variables(vars []variable, dir string) []spelling {
	var given []spelling
	for _, v := range vars {
		if !strings.HasPrefix(v.name, envPrefix) || strings.HasPrefix(v.name, testPrefix) {
			continue
		}
		if k := r.table.byEnv[v.name]; k != nil {
			given = append(given, spelling{k, v.value, v.origin})
			continue
		}
		base, isFile := strings.CutSuffix(v.name, fileSuffix)
		k := r.table.byEnv[base]
		if !isFile || k == nil {
			r.unknownVariable(v)
			continue
		}
		from := origin{source: "file named by " + v.name, line: v.origin.line}
		if v.origin.source == dotenvName {
			from.source += " in " + dotenvName
		}
		if text, ok := r.content(k, from, inDir(dir, v.value)); ok {
			given = append(given, spelling{k, text, from})
		}
	}
	return given
}

func inDir(dir, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// unknownVariable suggests a key's variable, also when the misspelled name ends in _FILE.
func (r *reader) unknownVariable(v variable) {
	names := make([]string, 0, 2*len(r.table.names))
	for _, name := range r.table.names {
		names = append(names, r.table.keys[name].env)
	}
	if strings.HasSuffix(v.name, fileSuffix) {
		for _, name := range r.table.names {
			names = append(names, r.table.keys[name].env+fileSuffix)
		}
	}
	from := v.origin
	if from.source != dotenvName {
		from.source = "environment"
	}
	r.faults = append(r.faults, fmt.Errorf("%s is the variable of no known key%s (from %s)",
		visible(v.name), suggestion(v.name, names), from))
}

// content reads a file that holds one value; the line break that editors add at its end is not part of it.
func (r *reader) content(k *key, from origin, name string) (string, bool) {
	if name == "" {
		r.fault(k.name, from, "cannot be read: no file is named")
		return "", false
	}
	r.looked = append(r.looked, name)
	data, err := readBounded(name)
	if err != nil {
		reason := withoutPath(err)
		if !isSecret(k.typ) { // someone may have put the secret itself where its file's name belongs
			reason = visible(name) + ": " + reason
		}
		r.fault(k.name, from, "cannot be read: %s", reason)
		return "", false
	}
	return strings.TrimRight(string(data), "\r\n"), true
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = fmt.Errorf("longer than %d bytes", maxSecret)
	}
	return data, err
}

// secrets reads config/secrets, where each file is named after its key. Hidden files are not looked at: .gitignore,
// and the links that Kubernetes makes.
func (r *reader) secrets(dir string) []spelling {
	folder := filepath.Join(dir, "config", "secrets")
	r.looked = append(r.looked, folder)
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		r.broken(origin{source: "config/secrets"}, "cannot be read: %s", withoutPath(err))
		return nil
	}
	var given []spelling
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		from := origin{source: "config/secrets/" + visible(f.Name())}
		k := r.table.keys[f.Name()]
		if k == nil {
			r.unknownKey(f.Name(), from)
			continue
		}
		if text, ok := r.content(k, from, filepath.Join(folder, f.Name())); ok {
			given = append(given, spelling{k, text, from})
		}
	}
	return given
}
