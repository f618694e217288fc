package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Bundled is a bundle as a client reads it, to hold answers against.
type Bundled struct{ doc *openapi3.T }

// ReadBundle reads what /openapi.json serves.
func ReadBundle(encoded []byte) (*Bundled, error) {
	registerFormats()
	doc, err := openapi3.NewLoader().LoadFromData(encoded)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return &Bundled{doc: doc}, nil
}

// Check tells whether the contract allows an answer. Paths that are in no contract, such as /docs, allow every answer
// but must use problems for errors.
func (b *Bundled) Check(method, path string, status int, media string, body []byte) error {
	response := b.response(method, path, status)
	if response == nil {
		if status < 400 {
			if b.find(path) == nil {
				return nil
			}
			return fmt.Errorf("the contract has no answer %d", status)
		}
		response = b.doc.Components.Responses["Problem"].Value
	}
	if len(response.Content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("the contract has no body for %d", status)
		}
		return nil
	}
	content := response.Content[media]
	if content == nil {
		return fmt.Errorf("the contract does not answer %d with %q", status, media)
	}
	if media != "application/json" && !strings.HasSuffix(media, "+json") {
		return nil // such as a file, of which the contract says no more
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	return content.Schema.Value.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.MultiErrors())
}

func (b *Bundled) response(method, path string, status int) *openapi3.Response {
	item := b.find(path)
	if item == nil {
		return nil
	}
	op := item.GetOperation(method)
	if op == nil {
		return nil
	}
	if ref := op.Responses.Value(strconv.Itoa(status)); ref != nil {
		return ref.Value
	}
	if status >= 400 {
		if ref := op.Responses.Default(); ref != nil {
			return ref.Value
		}
	}
	return nil
}

// find matches a path to its template; a literal segment wins over a parameter, the leftmost first.
func (b *Bundled) find(path string) *openapi3.PathItem {
	got := strings.Split(path, "/")
	var best []string
	for template := range b.doc.Paths.Map() {
		if want := strings.Split(template, "/"); matches(want, got) && (best == nil || closer(want, best)) {
			best = want
		}
	}
	return b.doc.Paths.Value(strings.Join(best, "/"))
}

func matches(template, path []string) bool {
	return slices.EqualFunc(template, path, func(want, got string) bool { return want == got || strings.HasPrefix(want, "{") })
}

// closer tells which of two templates that match one path is the more literal.
func closer(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return strings.HasPrefix(b[i], "{")
		}
	}
	return false
}
