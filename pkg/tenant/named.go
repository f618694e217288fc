package tenant

import "context"

type namedKey struct{}

// NewNamedContext returns a context for a public operation. name finds the tenant that the request names, and is called
// only when somebody asks.
func NewNamedContext(ctx context.Context, name func(context.Context) (ID, bool, error)) context.Context {
	return context.WithValue(ctx, namedKey{}, name)
}

// Named returns the tenant that the request of a public operation names, by its host for example; ok = false when it
// names none, and the zero ID when what it names is no tenant. Whoever sends the request chooses it: it proves nothing.
func Named(ctx context.Context) (id ID, ok bool, err error) {
	name, ok := ctx.Value(namedKey{}).(func(context.Context) (ID, bool, error))
	if !ok {
		return ID{}, false, nil
	}
	return name(ctx)
}
