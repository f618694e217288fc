package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yourorg/platform/pkg/notify"
)

// fallback is the language that every template is there in.
const fallback = "en"

var (
	word      = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	localeTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// Templates are what the modules say.
type Templates struct{ all map[string]*wording }

// wording is one template with its sources by locale.
type wording struct {
	notify.Template
	sources map[string]notify.Source
	sample  map[string]any
}

// usage is template.yaml.
type usage struct {
	Category  string         `yaml:"category"`
	Essential bool           `yaml:"essential"`
	Fixed     bool           `yaml:"fixed"`
	Digest    bool           `yaml:"digest"`
	Channels  []string       `yaml:"channels"`
	Sample    map[string]any `yaml:"sample"`
}

// NewTemplates reads what the modules have embedded, and tries every template with its sample: one that cannot work
// stops the start.
func NewTemplates(sets []notify.TemplateSet) (*Templates, error) {
	t := &Templates{all: map[string]*wording{}}
	var errs []error
	for _, set := range sets {
		folders, err := fs.ReadDir(set.Files, ".")
		if err != nil {
			return nil, fmt.Errorf("templates of %s: %w", set.Module, err)
		}
		for _, folder := range folders {
			if !folder.IsDir() {
				continue
			}
			name := set.Module + "." + folder.Name()
			if t.all[name] != nil {
				errs = append(errs, fmt.Errorf("template %s is there twice", name))
				continue
			}
			one, err := readTemplate(set.Files, folder.Name(), name)
			if err != nil {
				errs = append(errs, fmt.Errorf("template %s: %w", name, err))
				continue
			}
			t.all[name] = one
		}
	}
	return t, errors.Join(errs...)
}

func readTemplate(files fs.FS, folder, name string) (*wording, error) {
	if !word.MatchString(folder) {
		return nil, errors.New("its name has more than lower case letters, digits and underscores")
	}
	raw, err := fs.ReadFile(files, path.Join(folder, "template.yaml"))
	if err != nil {
		return nil, err
	}
	var u usage
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	d.KnownFields(true)
	if err := d.Decode(&u); err != nil {
		return nil, fmt.Errorf("template.yaml: %w", err)
	}
	if !word.MatchString(u.Category) {
		return nil, errors.New("template.yaml: category is missing or no word")
	}
	one := &wording{sources: map[string]notify.Source{}, Template: notify.Template{
		Name: name, Category: u.Category, Essential: u.Essential, Fixed: u.Fixed, Digest: u.Digest && !u.Essential, Channels: u.Channels,
	}}
	if u.Sample == nil {
		u.Sample = map[string]any{}
	}
	if one.Sample, err = json.Marshal(u.Sample); err != nil {
		return nil, fmt.Errorf("template.yaml: sample: %w", err)
	}
	if one.sample, err = fieldsOf(u.Sample); err != nil {
		return nil, fmt.Errorf("template.yaml: sample: %w", err)
	}
	if err := one.readSources(files, folder); err != nil {
		return nil, err
	}
	return one, nil
}

func (t *wording) readSources(files fs.FS, folder string) error {
	subjects, err := fs.Glob(files, path.Join(folder, "*.subject.txt"))
	if err != nil {
		return err
	}
	for _, file := range subjects {
		locale := strings.TrimSuffix(path.Base(file), ".subject.txt")
		if !localeTag.MatchString(locale) {
			return fmt.Errorf("%s: %q is no language", file, locale)
		}
		var src notify.Source
		for name, into := range map[string]*string{"subject.txt": &src.Subject, "txt": &src.Text, "html": &src.HTML, "short.txt": &src.Short} {
			text, err := fs.ReadFile(files, path.Join(folder, locale+"."+name))
			if err != nil && (!errors.Is(err, fs.ErrNotExist) || name == "txt") {
				return err
			}
			*into = string(text)
		}
		if err := try(src, locale, t.sample); err != nil {
			return fmt.Errorf("%s: %w", locale, err)
		}
		t.sources[locale], t.Locales = src, append(t.Locales, locale)
	}
	if _, ok := t.sources[fallback]; !ok {
		return fmt.Errorf("it is not there in %s", fallback)
	}
	slices.Sort(t.Locales)
	return nil
}

// try refuses a source that does not work with the sample.
func try(src notify.Source, locale string, sample map[string]any) error {
	var errs []error
	for _, part := range []struct{ name, text string }{{"subject", src.Subject}, {"text", src.Text}, {"html", src.HTML}, {"short", src.Short}} {
		if err := vet(part.text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := speech{locale: locale, zone: time.UTC}.render(src, sample)
	return err
}

// source finds the built-in source that is nearest to a locale.
func (t *wording) source(locale string) (notify.Source, string) {
	for _, l := range nearest(locale) {
		if src, ok := t.sources[l]; ok {
			return src, l
		}
	}
	return t.sources[fallback], fallback
}

// nearest lists a locale, what it is a kind of, and the fallback: pt-BR, pt, en.
func nearest(locale string) []string {
	var all []string
	for l := locale; l != ""; {
		all = append(all, l)
		at := strings.LastIndexByte(l, '-')
		l = l[:max(at, 0)]
	}
	return append(all, fallback)
}
