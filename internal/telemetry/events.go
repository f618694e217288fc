package telemetry

import (
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"
)

// Failures logs which part failed to stop, and nothing else. The rest would be a hundred lines at every start, and the
// errors of building and starting come back from fx itself: the command prints them.
type Failures struct{ Log *zap.Logger }

// LogEvent implements fxevent.Logger.
func (f Failures) LogEvent(event fxevent.Event) {
	if e, ok := event.(*fxevent.OnStopExecuted); ok && e.Err != nil {
		f.Log.Error("stop hook failed", zap.String("hook", e.FunctionName), zap.Error(e.Err))
	}
}
