package denial

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/terms"
)

// Module provides the recorder.
var Module = fx.Module("denial",
	fx.Provide(provide),
	telemetry.Collectors[*Recorder](),
	module.Events(event.Declare[terms.Denied]()),
)

func provide(lc fx.Lifecycle, events event.Publisher, log *zap.Logger) *Recorder {
	r := New(events, log)
	lc.Append(fx.StartStopHook(r.Start, r.Stop))
	return r
}
