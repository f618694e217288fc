package testapp

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/contract"
)

// Sample is a minimal body that the contract of an operation accepts, different each time; nil when it takes none. An
// example in the contract wins: that is how a schema says what its rules cannot.
func Sample(t testing.TB, op contract.Operation) any {
	t.Helper()
	if op.Body == nil {
		return nil
	}
	media := op.Body.Content["application/json"]
	if form := op.Body.Content["application/x-www-form-urlencoded"]; media == nil && form != nil {
		return sampleForm(form.Schema.Value)
	}
	require.NotNil(t, media, "%s takes no JSON: teach testapp.Sample what it does take", op.ID)
	body := sample(media.Schema.Value)
	require.NoError(t, media.Schema.Value.VisitJSON(body),
		"the sample for %s is not valid: give its schema an example, or teach testapp.Sample the rule", op.ID)
	return body
}

func sample(s *openapi3.Schema) any {
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return sample(s.OneOf[0].Value)
	case len(s.AnyOf) > 0:
		return sample(s.AnyOf[0].Value)
	case len(s.AllOf) > 0:
		return sampleOfAll(s.AllOf)
	case s.Type.Is("string"):
		return sampleString(s)
	case s.Type.Is("integer"), s.Type.Is("number"):
		return sampleNumber(s)
	case s.Type.Is("boolean"):
		return true
	case s.Type.Is("array"):
		items := []any{}
		for range s.MinItems {
			items = append(items, sample(s.Items.Value))
		}
		return items
	}
	return sampleObject(s)
}

// sampleObject has what is required, and as much else as the least number of properties asks for.
func sampleObject(s *openapi3.Schema) map[string]any {
	object := map[string]any{}
	names := slices.Clone(s.Required)
	for name := range s.Properties {
		if !slices.Contains(s.Required, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[len(s.Required):])
	for i, name := range names {
		if i >= len(s.Required) && uint64(len(object)) >= s.MinProps {
			break
		}
		if property := s.Properties[name]; property != nil && !property.Value.ReadOnly {
			object[name] = sample(property.Value)
		}
	}
	return object
}

// sampleForm has the fields of an object of plain values.
func sampleForm(s *openapi3.Schema) url.Values {
	form := url.Values{}
	for name, value := range sampleObject(s) {
		form.Set(name, fmt.Sprint(value))
	}
	return form
}

func sampleOfAll(parts openapi3.SchemaRefs) any {
	merged := map[string]any{}
	for _, part := range parts {
		fields, ok := sample(part.Value).(map[string]any)
		if !ok {
			return sample(part.Value)
		}
		for name, value := range fields {
			merged[name] = value
		}
	}
	return merged
}

func sampleString(s *openapi3.Schema) string {
	id := uuid.NewString()
	switch s.Format {
	case "uuid":
		return id
	case "date-time":
		return time.Now().UTC().Format(time.RFC3339Nano)
	case "date":
		return time.Now().UTC().Format(time.DateOnly)
	case "email":
		return id + "@example.com"
	case "uri":
		return "https://example.com/" + id
	}
	if s.Pattern != "" {
		fits := func(v string) bool {
			n := uint64(len([]rune(v)))
			return n >= s.MinLength && (s.MaxLength == nil || n <= *s.MaxLength)
		}
		return rapid.StringMatching(s.Pattern).Filter(fits).Example(int(uuid.New().ID()))
	}
	text := "sample " + id
	if missing := int(s.MinLength) - len(text); missing > 0 {
		text += strings.Repeat("x", missing)
	}
	if s.MaxLength != nil && uint64(len(text)) > *s.MaxLength {
		text = strings.ReplaceAll(id, "-", "")[:min(*s.MaxLength, 32)]
	}
	return text
}

func sampleNumber(s *openapi3.Schema) float64 {
	n := 1.0
	if s.Min != nil {
		n = *s.Min + 1
	}
	if s.Max != nil {
		n = min(n, *s.Max)
	}
	if step := s.MultipleOf; step != nil {
		n = math.Ceil(n / *step) * *step
	}
	return n
}

// Fill puts ids into the path of an operation, in their order.
func Fill(path string, ids ...string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") && len(ids) > 0 {
			segments[i], ids = ids[0], ids[1:]
		}
	}
	return strings.Join(segments, "/")
}

// Valid is a call of an operation that its contract accepts, with a body and every header that it requires or that
// makes it unconditional. The ids go into its path; those that are missing are made up.
func Valid(t testing.TB, op contract.Operation, token string, ids ...string) Call {
	t.Helper()
	for len(ids) < strings.Count(op.Path, "{") {
		ids = append(ids, uuid.NewString())
	}
	c := Call{Method: op.Method, Path: Fill(op.Path, ids...), Token: token, Body: Sample(t, op), Header: map[string]string{}}
	var query []string
	for _, p := range op.Parameters {
		switch {
		case p.In == openapi3.ParameterInHeader && strings.EqualFold(p.Name, "If-Match"):
			c.Header["If-Match"] = "*"
		case p.In == openapi3.ParameterInHeader && p.Required:
			c.Header[p.Name] = fmt.Sprint(sample(p.Schema.Value))
		case p.In == openapi3.ParameterInQuery && p.Required:
			query = append(query, p.Name+"="+fmt.Sprint(sample(p.Schema.Value)))
		}
	}
	if len(query) > 0 {
		c.Path += "?" + strings.Join(query, "&")
	}
	return c
}
