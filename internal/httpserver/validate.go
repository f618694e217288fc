package httpserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/problem"
)

// validator holds a request against its operation. It is bound when the operation is mounted: kin-openapi's router and
// its general request validation cost more than the rest of the path together.
type validator struct {
	params []*openapi3.Parameter
	query  map[string]bool // the parameters that the query may have
	body   *openapi3.RequestBody
	open   bool // to parameters that the contract does not name
}

func newValidator(op contract.Operation) *validator {
	v := &validator{params: op.Parameters, query: map[string]bool{}, body: op.Body, open: op.OpenQuery}
	for _, p := range op.Parameters {
		if p.In == openapi3.ParameterInQuery {
			v.query[p.Name] = true
		}
	}
	return v
}

// validated refuses what the contract does not allow, before the handler sees it.
func (s *Server) validated(op contract.Operation) gin.HandlerFunc {
	v := newValidator(op)
	return func(c *gin.Context) {
		if err := v.checkParams(c); err != nil {
			s.fail(c, err)
			return
		}
		if err := v.checkBody(c); err != nil {
			s.fail(c, err)
			return
		}
		c.Next()
	}
}

func (v *validator) checkParams(c *gin.Context) error {
	var query url.Values
	if c.Request.URL.RawQuery != "" {
		var err error
		if query, err = url.ParseQuery(c.Request.URL.RawQuery); err != nil {
			return errQuery
		}
	}
	var bad []problem.Field
	for name := range query {
		if !v.query[name] && !v.open {
			if !utf8.ValidString(name) {
				return errEncoding
			}
			bad = append(bad, problem.Field{Field: printable(name), Code: "unknown", Message: "is not a parameter of this operation"})
		}
	}
	for _, p := range v.params {
		values, present := parameter(c, query, p)
		field, err := check(p, values, present)
		if err != nil {
			return err
		}
		if field != nil {
			bad = append(bad, *field)
		}
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b problem.Field) int { return strings.Compare(a.Field, b.Field) })
		return errInvalid.With(bad...)
	}
	return nil
}

func parameter(c *gin.Context, query url.Values, p *openapi3.Parameter) (values []string, present bool) {
	switch p.In {
	case openapi3.ParameterInPath:
		return []string{c.Param(p.Name)}, true
	case openapi3.ParameterInQuery:
		values, present = query[p.Name]
		return values, present
	case openapi3.ParameterInHeader:
		values = c.Request.Header.Values(p.Name)
		return values, len(values) > 0
	}
	return nil, false
}

// check reads one parameter in the type of its schema. A query parameter that is an array of scalars may be repeated;
// contracts have no other arrays and no objects as parameters.
func check(p *openapi3.Parameter, values []string, present bool) (*problem.Field, error) {
	if !present {
		if p.Required {
			return &problem.Field{Field: p.Name, Code: "required", Message: "is required"}, nil
		}
		return nil, nil
	}
	schema := p.Schema.Value
	if p.In == openapi3.ParameterInQuery && schema.Type.Is("array") {
		if schema.MaxItems != nil && uint64(len(values)) > *schema.MaxItems {
			return &problem.Field{Field: p.Name, Code: "too_many", Message: fmt.Sprintf("may be given %d times", *schema.MaxItems)}, nil
		}
		for _, raw := range values {
			if field, err := checkValue(p.Name, schema.Items.Value, raw); field != nil || err != nil {
				return field, err
			}
		}
		return nil, nil
	}
	if len(values) != 1 {
		return &problem.Field{Field: p.Name, Code: "repeated", Message: "may be given once"}, nil
	}
	return checkValue(p.Name, schema, values[0])
}

func checkValue(name string, schema *openapi3.Schema, raw string) (*problem.Field, error) {
	if !utf8.ValidString(raw) {
		return nil, errEncoding
	}
	if strings.ContainsRune(raw, 0) {
		return &problem.Field{Field: name, Code: "nul", Message: "contains a NUL character"}, nil
	}
	value, err := typed(raw, schema)
	if err != nil {
		return &problem.Field{Field: name, Code: "type", Message: "must be " + article(schema)}, nil
	}
	if err := schema.VisitJSON(value); err != nil {
		fields := describe(name, err)
		return &fields[0], nil
	}
	return nil, nil
}

// checkBody reads, parses and checks the body, and leaves the checked value for the generated handler to bind.
func (v *validator) checkBody(c *gin.Context) error {
	if v.body == nil {
		return noBody(c.Request)
	}
	if c.Request.Body == nil || c.Request.Body == http.NoBody || c.Request.ContentLength == 0 {
		if v.body.Required {
			return errBodyMissing
		}
		return nil
	}
	media, contentType, err := v.media(c.Request.Header)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(c.Request.Body)
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return errBodyRead.Wrap(err)
	}
	if len(raw) == 0 {
		if v.body.Required {
			return errBodyMissing
		}
		return nil
	}
	var value any
	if contentType == formType {
		value, err = parseForm(raw, media.Schema.Value)
	} else {
		value, err = parse(raw)
	}
	if err != nil {
		return err
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsRequest()); err != nil {
		return errInvalid.With(describe("", err)...)
	}
	c.Request.Body = &checked{value: value, Reader: bytes.NewReader(raw)}
	return nil
}

func (v *validator) media(h http.Header) (media *openapi3.MediaType, contentType string, err error) {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, "", errMediaType.Detailf("Send the body without a Content-Encoding.")
	}
	contentType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if charset, ok := params["charset"]; err == nil && ok && !strings.EqualFold(charset, "utf-8") {
		return nil, "", errMediaType.Detailf("Only UTF-8 is accepted.")
	}
	if media = v.body.Content[contentType]; err != nil || media == nil {
		return nil, "", errMediaType.Detailf("Send Content-Type: %s.", strings.Join(slices.Sorted(maps.Keys(v.body.Content)), " or "))
	}
	return media, contentType, nil
}

// noBody accepts an empty body, announced or not, and no other.
func noBody(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	n, err := r.Body.Read(make([]byte, 1))
	if n > 0 {
		return errUnexpected
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return errBodyRead.Wrap(err)
	}
	return nil
}

// checked is a body whose value has been checked. The generated server binds ValidatedValue, so that the handler gets
// exactly what was checked and not a second, more lenient reading of it.
type checked struct {
	*bytes.Reader
	value any
}

func (c *checked) ValidatedValue() any { return c.value }
func (*checked) Close() error          { return nil }
