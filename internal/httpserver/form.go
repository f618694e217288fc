package httpserver

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/yourorg/platform/pkg/problem"
)

const formType = "application/x-www-form-urlencoded"

// maxFields is how many fields a form may have.
const maxFields = 100

// parseForm reads a form body in the types of its schema. Each field may be given once.
func parseForm(raw []byte, schema *openapi3.Schema) (any, error) {
	if strings.Count(string(raw), "&") >= maxFields {
		return nil, errTooLarge.Detailf("A form has at most %d fields.", maxFields)
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, errBodyMalformed.Detailf("The form cannot be parsed.")
	}
	form := map[string]any{}
	for name, all := range values {
		if !utf8.ValidString(name) || !utf8.ValidString(strings.Join(all, "")) {
			return nil, errEncoding
		}
		field := problem.Field{Field: printable(name)}
		switch {
		case strings.ContainsRune(name+all[0], 0):
			field.Code, field.Message = "nul", "contains a NUL character"
		case len(all) > 1:
			field.Code, field.Message = "repeated", "may be given once"
		default:
			form[name], err = typed(all[0], property(schema, name))
			if err != nil {
				field.Code, field.Message = "type", "must be "+article(property(schema, name))
			}
		}
		if field.Code != "" {
			return nil, errInvalid.With(field)
		}
	}
	return form, nil
}

// property is the schema of a field; a text when there is none, which is for the schema of the form to judge.
func property(s *openapi3.Schema, name string) *openapi3.Schema {
	if p := s.Properties[name]; p != nil && p.Value != nil {
		return p.Value
	}
	return openapi3.NewStringSchema()
}

// typed is a text in the type of a schema.
func typed(raw string, schema *openapi3.Schema) (value any, err error) {
	switch {
	case schema.Type.Is("integer"):
		n, err := strconv.ParseInt(raw, 10, 32)
		return float64(n), err
	case schema.Type.Is("number"):
		return strconv.ParseFloat(raw, 64)
	case schema.Type.Is("boolean"):
		return strconv.ParseBool(raw)
	}
	return raw, nil
}
