package testapp_test

import (
	"encoding/json"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
)

func TestASampleSatisfiesItsSchema(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"required fields only":  `{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "object"}}}`,
		"some optional fields":  `{"type": "object", "minProperties": 2, "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}, "c": {"type": "number"}}}`,
		"short and long text":   `{"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string", "maxLength": 3}, "b": {"type": "string", "minLength": 99}}}`,
		"patterns":              `{"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 3, "maxLength": 20}`,
		"formats":               `{"type": "array", "minItems": 1, "items": {"type": "string", "format": "uuid"}}`,
		"an address":            `{"type": "string", "format": "email"}`,
		"a time":                `{"type": "string", "format": "date-time"}`,
		"a choice":              `{"type": "string", "enum": ["x", "y"]}`,
		"numbers within bounds": `{"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 5}, "b": {"type": "integer", "multipleOf": 7}}}`,
		"one of several":        `{"oneOf": [{"type": "boolean"}, {"type": "string"}]}`,
		"all of several":        `{"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}, {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}}]}`,
		"an example":            `{"type": "string", "example": "this one"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s openapi3.Schema
			require.NoError(t, json.Unmarshal([]byte(schema), &s))
			op := contract.Operation{Body: &openapi3.RequestBody{Content: openapi3.NewContentWithJSONSchema(&s)}}
			require.NotNil(t, testapp.Sample(t, op)) // which checks it
		})
	}
}

func TestSamplesDiffer(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"", "^[a-z]{12}$"} {
		op := contract.Operation{Body: &openapi3.RequestBody{Content: openapi3.NewContentWithJSONSchema(&openapi3.Schema{
			Type: &openapi3.Types{"string"}, Pattern: pattern,
		})}}
		require.NotEqual(t, testapp.Sample(t, op), testapp.Sample(t, op))
	}
}
