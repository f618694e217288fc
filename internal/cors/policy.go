// Package cors tells browsers which pages of other origins may talk to the platform (the Fetch standard, "CORS protocol").
package cors

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Policy answers browsers. Nothing that a request says is ever repeated unless it is in the configuration.
type Policy struct {
	origins     map[string][]string // origin → the value of Access-Control-Allow-Origin
	everybody   bool
	tenants     bool // may allow origins of their own
	credentials bool
	headers     []string
	age         []string
}

// New returns nil when no origin is allowed: there is nothing to say then.
func New(cfg Config) *Policy {
	if len(cfg.AllowedOrigins) == 0 && !cfg.TenantOrigins {
		return nil
	}
	p := &Policy{
		origins: map[string][]string{}, everybody: slices.Contains(cfg.AllowedOrigins, everybody), credentials: cfg.AllowCredentials,
		tenants: cfg.TenantOrigins,
		headers: []string{strings.Join(cfg.AllowedHeaders, ", ")}, age: []string{strconv.Itoa(int(cfg.MaxAge.Seconds()))},
	}
	for _, origin := range cfg.AllowedOrigins {
		p.origins[origin] = []string{origin}
	}
	return p
}

// Shared values: setting them costs no allocation, and nothing changes them in place.
var (
	allowed        = []string{methods}
	granted        = []string{"true"}
	exposed        = []string{"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"}
	variesByOrigin = []string{"Origin"}
	variesByAll    = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
)

// Preflight tells whether a request is a browser's question before the real one.
func Preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1
}

// Mark adds to an answer what lets the pages of allowed origins read it, and tells whether the request comes from one.
// Caches learn that the answer depends on the origin, whatever it is.
func (p *Policy) Mark(answer http.Header, r *http.Request) (from bool) {
	answer["Vary"] = variesByOrigin
	value := p.origins[everybody]
	if sent := r.Header["Origin"]; len(sent) != 1 {
		return false
	} else if !p.everybody {
		value = p.origins[sent[0]]
	}
	if value == nil {
		return false
	}
	answer["Access-Control-Allow-Origin"] = value
	answer["Access-Control-Expose-Headers"] = exposed
	if p.credentials {
		answer["Access-Control-Allow-Credentials"] = granted
	}
	return true
}

// Asks tells whether it depends on a tenant if the request comes from an allowed origin.
func (p *Policy) Asks(r *http.Request) bool { return p.tenants && len(r.Header["Origin"]) == 1 }

// MarkFor is Mark for the origins that a tenant allows, whose pages are sent no cookies. It comes after Mark.
func (p *Policy) MarkFor(answer http.Header, r *http.Request, origins []string) (from bool) {
	if !slices.Contains(origins, r.Header["Origin"][0]) {
		return false
	}
	answer["Access-Control-Allow-Origin"] = r.Header["Origin"] // it is one of the tenant's, letter by letter
	answer["Access-Control-Expose-Headers"] = exposed
	return true
}

// Answer is what an allowed origin is told before the real request. It comes after Mark.
func (p *Policy) Answer(answer http.Header) {
	answer["Vary"] = variesByAll
	answer["Access-Control-Allow-Methods"] = allowed
	answer["Access-Control-Allow-Headers"] = p.headers
	answer["Access-Control-Max-Age"] = p.age
	delete(answer, "Access-Control-Expose-Headers")
}
