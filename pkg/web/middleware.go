package web

import (
	"context"
	"net/http"
)

// Middleware stands between the requests of the platform and their handlers: contribute one with module.Middleware. Wrap
// has the shape that middleware has everywhere in Go.
//
// A middleware either calls next, once and before its own ServeHTTP returns, or answers: with Fail, or by itself. One that
// does neither has made a mistake, which is answered by 500 and reported, and so is one that panics. What it calls next
// with counts from there on: a request with another context, which must descend from that of the request it was given, or
// a writer around the one it was given. r.Pattern is the operation as contracts spell it: "GET /api/v1/blog/posts/{id}".
//
// No transaction is open at any position, and refusals of what would have changed something are in the audit trail once the
// caller is known, as those of the platform are.
type Middleware interface {
	// Name is unique, as <module>.<what>: "billing.quota".
	Name() string

	// Wrap is called at the start, once for every operation that the middleware is part of.
	Wrap(next http.Handler) http.Handler
}

// Position is where a middleware stands. At one position the names decide the order.
type Position int

// The positions, in the order in which a request passes them. Probes (x-rate-limit: none) pass none but those that their
// operation names.
const (
	// AfterLog is behind the log, the headers of every answer, the abuse guard, the places to work, CORS, the limit of the
	// body and the deadline: in the context are the request id (logger.FromContext) and the deadline. Nobody knows yet who calls.
	AfterLog Position = iota + 1

	// AfterTenant is behind authentication and the second factor: auth.FromContext and tenant.FromContext know the
	// caller and the tenant. Public operations have neither, unless they recognize callers and one was recognized.
	AfterTenant

	// BeforeValidation is behind authorization and x-step-up: the caller may do what the operation does, unless the
	// operation asks about the resource itself. The parameters and the body are as they were sent.
	BeforeValidation

	// AfterValidation is behind validation: the contract accepts the parameters and the body. The body can be read, and the
	// handler reads it once more; it cannot be replaced. Idempotency-Key comes after it.
	AfterValidation

	// PerOperation is behind AfterValidation, and only where an operation of the same module names the middleware in
	// x-middleware, in the order of that list.
	PerOperation

	// PerAnyOperation is PerOperation for the operations of all modules.
	PerAnyOperation
)

// Placed is a middleware and where it stands.
type Placed struct {
	Middleware
	Position Position
}

// Failer answers a request with the problem in an error. The platform puts one into the context of what a middleware is given.
type Failer interface {
	Fail(w http.ResponseWriter, r *http.Request, err error)
}

type failerKey struct{}

// WithFailer returns a context in which Fail answers by f. The platform calls it; modules do not.
func WithFailer(ctx context.Context, f Failer) context.Context {
	return context.WithValue(ctx, failerKey{}, f)
}

// FailerFrom returns what WithFailer has put into ctx last, or nil.
func FailerFrom(ctx context.Context) Failer {
	f, _ := ctx.Value(failerKey{}).(Failer)
	return f
}

// Fail answers r with the problem in err, as a handler does by returning it: an error that is no problem is a 500 that says
// nothing and is reported. It is for middleware; outside of the platform, as in a test of Wrap, it is a bare 500.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	if f := FailerFrom(r.Context()); f != nil {
		f.Fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusInternalServerError)
}
