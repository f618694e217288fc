package outbox

import (
	"math/rand/v2"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/event"
)

// maxReason is how much of an error is kept, in bytes.
const maxReason = 2000

// pause grows with the attempts, and up to half of it is random, so that what failed together does not come back
// together.
func pause(cfg Config, attempts int) time.Duration {
	full := cfg.RetryAtMost
	if shift := attempts - 1; shift < 30 && cfg.RetryAfter<<shift > 0 {
		full = min(full, cfg.RetryAfter<<shift)
	}
	return full/2 + rand.N(full/2+1)
}

// reason is an error as the database can keep it.
func reason(err error) string {
	text := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "?"), "\x00", "?")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// report tells the operator of a failure: loudly when it was the last one.
func (o *Outbox) report(to string, e *event.Envelope, attempts int, state int, err error) {
	fields := []zap.Field{
		zap.String("subscriber", to), zap.String("topic", e.Topic), zap.Stringer("event", e.ID), zap.Stringer("tenant_id", e.Tenant),
		zap.String("request_id", e.RequestID), zap.Int("attempts", attempts), zap.Error(err),
	}
	o.metrics.failed(to, states[state])
	if state == stateParked {
		o.log.Error("an event was parked: it is not tried again until it is replayed", fields...)
		return
	}
	o.log.Warn("an event could not be handled and will be tried again", fields...)
}
