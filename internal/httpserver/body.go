package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/yourorg/platform/pkg/problem"
)

// maxDepth is how deeply a body may nest: far more than any contract needs, far less than hurts.
const maxDepth = 64

// parse reads one JSON value, and nothing after it. encoding/json would replace bad UTF-8 silently, so that is looked
// for first.
func parse(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errEncoding
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // a large integer must not lose digits on its way to the handler
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, malformed(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errBodyMalformed.Detailf("There is something after the JSON value.")
	}
	if at, ok := find(value, "", 0); ok {
		return nil, at
	}
	return value, nil
}

func malformed(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errBodyMalformed.Detailf("The JSON is wrong at byte %d.", syntax.Offset).Wrap(err)
	}
	return errBodyMalformed.Detailf("The JSON ends too early.").Wrap(err)
}

// find looks for what no store accepts: NUL characters, and values that nest too deeply.
func find(value any, path string, depth int) (error, bool) {
	if depth > maxDepth {
		return errBodyMalformed.Detailf("The JSON nests more than %d levels deep.", maxDepth), true
	}
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return errInvalid.With(problem.Field{Field: path, Code: "nul", Message: "contains a NUL character"}), true
		}
	case map[string]any:
		for key, item := range v {
			if strings.ContainsRune(key, 0) {
				return errInvalid.With(problem.Field{Field: path, Code: "nul", Message: "has a key with a NUL character"}), true
			}
			if err, ok := find(item, join(path, key), depth+1); ok {
				return err, true
			}
		}
	case []any:
		for i, item := range v {
			if err, ok := find(item, join(path, strconv.Itoa(i)), depth+1); ok {
				return err, true
			}
		}
	}
	return nil, false
}

// maxFaults is how many faults an answer names. A body of the largest size can have a million.
const maxFaults = 50

// faults are what is wrong with a value, each named once.
type faults struct {
	fields  []problem.Field
	objects map[string]bool // those whose unknown fields are named
}

// describe turns the errors of a schema into fields, sorted. The library's own text quotes the value, which may be a
// password: only the place and the rule are kept.
func describe(name string, err error) []problem.Field {
	f := faults{objects: map[string]bool{}}
	f.add(name, err)
	slices.SortFunc(f.fields, func(a, b problem.Field) int { return strings.Compare(a.Field+" "+a.Code, b.Field+" "+b.Code) })
	return slices.Compact(f.fields)
}

func (f *faults) add(name string, err error) {
	if len(f.fields) >= maxFaults {
		return
	}
	if several, ok := errors.AsType[openapi3.MultiError](err); ok {
		for _, one := range several {
			f.add(name, one)
		}
		return
	}
	field := problem.Field{Field: name, Code: "invalid", Message: "is not acceptable"}
	schemaErr, ok := errors.AsType[*openapi3.SchemaError](err)
	if !ok {
		f.fields = append(f.fields, field)
		return
	}
	for _, key := range schemaErr.JSONPointer() {
		field.Field = join(field.Field, printable(key))
	}
	if schemaErr.SchemaField == "properties" {
		f.unknown(field.Field, schemaErr)
		return
	}
	field.Code, field.Message = rule(schemaErr)
	f.fields = append(f.fields, field)
}

// unknown names the fields that the schema does not have. The library reports each of them but points at the object
// only, which is why its first report stands for all.
func (f *faults) unknown(path string, e *openapi3.SchemaError) {
	if f.objects[path] {
		return
	}
	f.objects[path] = true
	object, _ := e.Value.(map[string]any)
	for name := range object {
		if len(f.fields) >= maxFaults {
			return
		}
		if _, known := e.Schema.Properties[name]; !known {
			f.fields = append(f.fields, problem.Field{Field: join(path, printable(name)), Code: "unknown", Message: "is not a field of this request"})
		}
	}
}

func rule(e *openapi3.SchemaError) (code, message string) {
	s := e.Schema
	switch e.SchemaField {
	case "required":
		return "required", "is required"
	case "type":
		return "type", "must be " + article(s)
	case "nullable":
		return "null", "must not be null"
	case "minLength":
		if s.MinLength == 1 {
			return "required", "must not be empty"
		}
		return "too_short", fmt.Sprintf("must have at least %d characters", s.MinLength)
	case "maxLength":
		return "too_long", fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	case "pattern":
		return "pattern", "must match " + s.Pattern
	case "enum":
		return "enum", fmt.Sprintf("must be one of %v", s.Enum)
	case "format":
		return "format", "must be " + article(s)
	case "minimum", "exclusiveMinimum":
		return "too_small", fmt.Sprintf("must be at least %v", *s.Min)
	case "maximum", "exclusiveMaximum":
		return "too_large", fmt.Sprintf("must be at most %v", *s.Max)
	case "minItems":
		return "too_few", fmt.Sprintf("must have at least %d items", s.MinItems)
	case "maxItems":
		return "too_many", fmt.Sprintf("must have at most %d items", *s.MaxItems)
	case "minProperties":
		return "too_few", fmt.Sprintf("has too few fields, the least is %d", s.MinProps)
	case "maxProperties":
		return "too_many", fmt.Sprintf("has too many fields, the most is %d", *s.MaxProps)
	case "uniqueItems":
		return "repeated", "must not repeat an item"
	}
	return "invalid", "is not acceptable"
}

func article(s *openapi3.Schema) string {
	if s.Format == "uuid" {
		return "a UUID"
	}
	if s.Format == "date-time" {
		return "a time as of RFC 3339"
	}
	if s.Format == "email" {
		return "an e-mail address"
	}
	switch {
	case s.Type.Is("integer"):
		return "an integer"
	case s.Type.Is("object"), s.Type.Is("array"):
		return "an " + s.Type.Slice()[0]
	case len(s.Type.Slice()) > 0:
		return "a " + s.Type.Slice()[0]
	}
	return "something else"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// printable is a name that the client chose, fit to be sent back and logged.
func printable(name string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
	if runes := []rune(clean); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return clean
}
