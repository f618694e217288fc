package database

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/internal/tracing"
)

// trace makes a span of what was measured, within a span only: what the platform asks by itself, such as whether there is
// something to do, would be most of all. It has the shape of the statement, never its values.
func (m *meter) trace(what *measured, took time.Duration) {
	tracing.Past(what.ctx, trace.SpanKindClient, what.start, took, what.failed, func() (string, []attribute.KeyValue) {
		attributes := []attribute.KeyValue{
			attribute.String("db.system.name", m.system), attribute.String("db.client.connection.pool.name", m.pool),
			attribute.String("db.operation.name", verbs[what.verb]),
		}
		if what.query != "" {
			attributes = append(attributes, attribute.String("db.query.text", shape(what.query)))
		}
		if what.verb == verbSelect && what.rows >= 0 {
			attributes = append(attributes, attribute.Int64("db.response.returned_rows", what.rows))
		}
		return "sql " + verbs[what.verb], attributes
	})
}
