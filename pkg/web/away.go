package web

import "context"

type awayKey struct{}

// WithGoingAway returns a context for the requests of a server that closes away when it stops. The platform calls it;
// modules do not.
func WithGoingAway(ctx context.Context, away <-chan struct{}) context.Context {
	return context.WithValue(ctx, awayKey{}, away)
}

// GoingAway returns what is closed when the server that answers the request in ctx stops, and takes no new connections any
// more. A handler that streams, or has taken its connection over, tells its client then and returns: who asks again
// reaches another replica. It has three quarters of http.shutdown_timeout, less http.drain_interval, before it is cut off.
// Other handlers just finish. Outside of a request it is nil, which is never closed.
func GoingAway(ctx context.Context) <-chan struct{} {
	away, _ := ctx.Value(awayKey{}).(<-chan struct{})
	return away
}
