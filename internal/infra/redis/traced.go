package redis

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/internal/tracing"
)

// traced makes spans of commands that are sent within a span. They have the name of the command, never a key or a value.
type traced struct{}

var _ redis.Hook = traced{}

func (traced) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (traced) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		ctx, span := tracing.Child(ctx, "redis "+cmd.Name(), trace.SpanKindClient,
			attribute.String("db.system.name", "redis"), attribute.String("db.operation.name", cmd.Name()))
		err := next(ctx, cmd)
		tracing.End(span, missing(err))
		return err
	}
}

func (traced) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		ctx, span := tracing.Child(ctx, "redis pipeline", trace.SpanKindClient,
			attribute.String("db.system.name", "redis"), attribute.Int("db.operation.batch.size", len(cmds)))
		err := next(ctx, cmds)
		tracing.End(span, missing(err))
		return err
	}
}

// missing is no error: that a key is not there is an answer.
func missing(err error) error {
	if err == redis.Nil { //nolint:errorlint // the library returns it bare
		return nil
	}
	return err
}
