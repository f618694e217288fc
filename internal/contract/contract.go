// Package contract reads the OpenAPI contracts of the modules: the only list of what the platform serves.
package contract

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/perm"
)

// Access says who may call an operation.
type Access int

// The zero value grants nothing, so that a forgotten Access stays closed.
const (
	Denied        Access = iota
	Public               // security: []
	Authenticated        // x-authenticated: true, any signed-in caller
	Permitted            // x-permission, holders of the permission
)

// Operation is one method of one path.
type Operation struct {
	ID         string
	Method     string
	Path       string // as in the contract, with {id}
	Access     Access
	Permission perm.Permission // when Access is Permitted

	// Optional means that everybody may call a Public operation, and that it knows who does when a caller signs in
	// (security: [{}, {bearer: []}]).
	Optional bool

	// ResourceCheck means that those who hold the permission under a condition reach the operation, which asks about
	// the resource itself (x-resource-check: true).
	ResourceCheck bool

	// Keys says which API keys may call. By default a key does what a permission names, and nothing else: only people do
	// what everybody who has signed in can.
	Keys KeyUse

	// OAuth means that errors are answered in the form of RFC 6749, section 5.2 (x-errors: oauth).
	OAuth bool

	// StepUp means that the operation needs a recent authentication (x-step-up: true).
	StepUp bool

	// Entitlement is a feature that the tenant's plan has to grant (x-entitlement). Empty, none has to.
	Entitlement entitlement.Name

	// MFAExempt means that the operation is also for those who have yet to give, or to enrol, the second factor that
	// their tenant requires (x-mfa-exempt: true).
	MFAExempt bool

	// Manual means that the operation opens its own transactions (x-transaction: manual): it hashes a password
	// first, or must keep what it wrote although it answers with an error.
	Manual bool

	// Cookies means that the operation reads or sets cookies (x-cookies: true).
	Cookies bool

	// OpenQuery means that the query may have parameters that the contract does not name (x-query: open), because who
	// writes it is no client of ours. They are ignored.
	OpenQuery bool

	// Unlimited means that a public operation may be called any number of times (x-rate-limit: none), as probes are.
	Unlimited bool

	// Uncounted means that a request for the operation is not one of the tenant's quota of requests (x-quota: none), because
	// it is what somebody needs who has used it up.
	Uncounted bool

	// MaxBody limits the request body instead of http.max_body_bytes, in bytes (x-max-body). 0 does not.
	MaxBody int64

	// Timeout is the deadline of the operation instead of http.request_timeout (x-timeout). 0 is none of its own.
	Timeout time.Duration

	// Concurrency is how many requests for the operation a replica works on at once, within http.concurrency.limit
	// (x-concurrency). 0 is no limit of its own.
	Concurrency int

	// Middleware are the names of what modules contribute for operations that ask for it (x-middleware), in the order in
	// which a request passes them.
	Middleware []string

	Parameters []*openapi3.Parameter
	Body       *openapi3.RequestBody // nil when the operation takes none
	Spec       *openapi3.Operation
}

// Mutates tells whether the operation changes something.
func (o Operation) Mutates() bool { return o.Method != http.MethodGet && o.Method != http.MethodHead }

// Route is the path in the router's form, with :id.
func (o Operation) Route() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(o.Path)
}

// Contract is one module's openapi.yaml.
type Contract struct {
	Doc        *openapi3.T
	Operations []Operation // sorted by path, then method

	source map[string]any
}

//go:embed shared.yaml
var shared []byte

var known sync.Map // source → func() (*Contract, error)

// Shared is Parse, once for each source: what it returns belongs to everybody in this process, and must not be changed.
// Reading the contracts is half of a start, and a test makes hundreds of them.
func Shared(source []byte) (*Contract, error) {
	parse, _ := known.LoadOrStore(string(source), sync.OnceValues(func() (*Contract, error) { return Parse(source) }))
	return parse.(func() (*Contract, error))()
}

// Parse reads a contract, adds the shared components (Problem, Limit, Cursor) to it and checks it: it must be valid
// OpenAPI 3.0.3, every operation has an id and says who may call it, and every object in a request body refuses
// unknown fields.
func Parse(source []byte) (*Contract, error) {
	registerFormats()
	c := &Contract{}
	if err := decode(source, &c.source); err != nil {
		return nil, err
	}
	var common map[string]any
	if err := decode(shared, &common); err != nil {
		return nil, fmt.Errorf("shared components: %w", err)
	}
	if err := merge(c.source, common); err != nil {
		return nil, err
	}
	doc, err := Load(c.source)
	if err != nil {
		return nil, err
	}
	c.Doc = doc
	var errs []error
	for path, item := range doc.Paths.Map() {
		for method, spec := range item.Operations() {
			op, err := operation(method, path, item, spec)
			errs = append(errs, err)
			c.Operations = append(c.Operations, op)
		}
	}
	slices.SortFunc(c.Operations, func(a, b Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return c, errors.Join(errs...)
}

func decode(source []byte, into any) error {
	if err := yaml.NewDecoder(bytes.NewReader(source)).Decode(into); err != nil {
		return fmt.Errorf("contract: %w", err)
	}
	return nil
}

// Load reads a document and checks that it is valid OpenAPI 3.0.
func Load(source map[string]any) (*openapi3.T, error) {
	encoded, err := json.Marshal(source)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(encoded)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.0.") {
		return nil, fmt.Errorf("contract: openapi is %q, want 3.0.x", doc.OpenAPI)
	}
	if err := doc.Validate(loader.Context, openapi3.AllowExtraSiblingFields("description")); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return doc, nil
}

// merge adds the shared components; a contract may not define one of its own by the same name.
func merge(into, common map[string]any) error {
	components, _ := into["components"].(map[string]any)
	if components == nil {
		components = map[string]any{}
		into["components"] = components
	}
	for section, entries := range common["components"].(map[string]any) {
		own, _ := components[section].(map[string]any)
		if own == nil {
			own = map[string]any{}
			components[section] = own
		}
		for name, value := range entries.(map[string]any) {
			if _, taken := own[name]; taken {
				return fmt.Errorf("contract: %s.%s is the platform's, choose another name", section, name)
			}
			own[name] = value
		}
	}
	return nil
}

func operation(method, path string, item *openapi3.PathItem, spec *openapi3.Operation) (Operation, error) {
	op := Operation{ID: spec.OperationID, Method: method, Path: path, Spec: spec}
	fail := func(format string, args ...any) (Operation, error) {
		return op, fmt.Errorf("%s %s: %w", method, path, fmt.Errorf(format, args...))
	}
	if op.ID == "" {
		return fail("operationId is missing")
	}
	for _, ref := range slices.Concat(item.Parameters, spec.Parameters) {
		op.Parameters = append(op.Parameters, ref.Value)
	}
	if spec.RequestBody != nil {
		op.Body = spec.RequestBody.Value
		for name, media := range op.Body.Content {
			if err := closed(media.Schema, map[*openapi3.Schema]bool{}); err != nil {
				return fail("request body %s: %w", name, err)
			}
		}
	}
	permission, permitted := spec.Extensions["x-permission"].(string)
	authenticated := spec.Extensions["x-authenticated"] == true
	op.Optional = optional(spec.Security)
	public := op.Optional || spec.Security != nil && len(*spec.Security) == 0
	switch {
	case permitted && !authenticated && !public:
		op.Access, op.Permission = Permitted, perm.Permission(permission)
	case authenticated && !permitted && !public:
		op.Access = Authenticated
	case public && !permitted && !authenticated:
		op.Access = Public
	default:
		return fail("needs exactly one of x-permission, x-authenticated: true and security: []")
	}
	switch check := spec.Extensions["x-resource-check"]; {
	case check == nil:
	case check != true:
		return fail("x-resource-check can only be true")
	case op.Access != Permitted:
		return fail("x-resource-check needs x-permission")
	case spec.Extensions["x-transaction"] != nil:
		return fail("x-resource-check needs the platform's transaction")
	default:
		op.ResourceCheck = true
	}
	if err := op.demands(spec.Extensions); err != nil {
		return fail("%w", err)
	}
	if err := op.limits(spec.Extensions); err != nil {
		return fail("%w", err)
	}
	var err error
	if op.Middleware, err = middleware(spec.Extensions["x-middleware"]); err != nil {
		return fail("%w", err)
	}
	if op.Keys, err = keyUse(op, spec.Extensions["x-api-key"]); err != nil {
		return fail("%w", err)
	}
	switch form := spec.Extensions["x-errors"]; {
	case form == nil:
	case form == "oauth" && op.Access == Public:
		op.OAuth = true
	default:
		return fail("x-errors can only be oauth, and only where security is []")
	}
	switch spec.Extensions["x-transaction"] {
	case nil:
	case "manual":
		op.Manual = true
	default:
		return fail("x-transaction can only be manual")
	}
	switch spec.Extensions["x-cookies"] {
	case nil:
	case true:
		op.Cookies = true
	default:
		return fail("x-cookies can only be true")
	}
	switch spec.Extensions["x-query"] {
	case nil:
	case "open":
		op.OpenQuery = true
	default:
		return fail("x-query can only be open")
	}
	switch limit := spec.Extensions["x-rate-limit"]; {
	case limit == nil:
	case limit == "none" && public:
		op.Unlimited = true
	default:
		return fail("x-rate-limit can only be none, and only where security is []")
	}
	return op, nil
}

// optional tells whether a security requirement is "nothing, or a bearer token".
func optional(s *openapi3.SecurityRequirements) bool {
	if s == nil || len(*s) != 2 || len((*s)[0]) != 0 || len((*s)[1]) != 1 {
		return false
	}
	_, bearer := (*s)[1]["bearer"]
	return bearer
}

// closed requires additionalProperties: false on every object, so that a misspelt field is refused, not ignored.
func closed(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) error {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return nil
	}
	s := ref.Value
	seen[s] = true
	if len(s.AllOf) > 0 || len(s.AnyOf) > 0 || s.Not != nil {
		return errors.New("allOf, anyOf and not cannot be closed: write the object out, or use oneOf")
	}
	object := s.Type.Is("object") || len(s.Properties) > 0
	if object && (s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has) && s.AdditionalProperties.Schema == nil {
		return errors.New("an object lacks additionalProperties: false")
	}
	errs := []error{closed(s.Items, seen), closed(s.AdditionalProperties.Schema, seen)}
	for _, one := range s.OneOf {
		errs = append(errs, closed(one, seen))
	}
	for name, property := range s.Properties {
		if err := closed(property, seen); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// registerFormats teaches the schema library the formats that contracts use; it ignores those it does not know.
var registerFormats = sync.OnceFunc(func() {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(func(s string) error {
		if len(s) != 36 { // the library also takes {…}, urn:uuid:… and 32 digits
			return errors.New("not a UUID")
		}
		return uuid.Validate(s)
	}))
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
		_, err := time.Parse(time.RFC3339Nano, s)
		return err
	}))
	openapi3.DefineStringFormatValidator("email", openapi3.NewCallbackValidator(func(s string) error {
		a, err := mail.ParseAddress(s)
		if err == nil && a.Address != s {
			return errors.New("not a bare address")
		}
		return err
	}))
})
