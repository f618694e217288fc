package audit

import "context"

type erasingKey struct{}

// Erasing returns a context in which changes to rows leave no trace of their own: what is to be forgotten must not be
// copied into the trail while it is deleted. That something was erased is for the caller to record.
func Erasing(ctx context.Context) context.Context {
	return context.WithValue(ctx, erasingKey{}, true)
}

func erasing(ctx context.Context) bool { return ctx.Value(erasingKey{}) == true }
