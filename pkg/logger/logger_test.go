package logger_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestTheScopeNamesWhatIsKnown(t *testing.T) {
	t.Parallel()
	user, tenantID := uuid.New(), uuid.New()
	ctx := t.Context()
	require.Empty(t, logger.Scope(ctx))
	require.Nil(t, logger.FromContext(ctx))

	ctx = logger.NewContext(ctx, &logger.Request{ID: "r1"})
	require.Equal(t, map[string]any{"request_id": "r1"}, fields(logger.Scope(ctx)))

	ctx = logger.NewContext(ctx, &logger.Request{ID: "r1", TraceID: "t1", SpanID: "s1", IP: "192.0.2.1"})
	ctx = auth.NewContext(ctx, &auth.Caller{UserID: user})
	ctx = tenant.NewContext(ctx, tenantID)
	require.Equal(t, map[string]any{
		"request_id": "r1", "trace_id": "t1", "span_id": "s1", "user_id": user.String(), "tenant_id": tenantID.String(),
	}, fields(logger.Scope(ctx)))
}

func fields(all []zapcore.Field) map[string]any {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range all {
		f.AddTo(enc)
	}
	return enc.Fields
}
