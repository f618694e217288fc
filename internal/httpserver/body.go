package httpserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/yourorg/platform/pkg/problem"
)

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
