package telemetry

import (
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/lifecycle"
)

// Failures logs which part failed to stop, and nothing else. The rest would be a hundred lines at every start, and the
// command prints the errors of building and starting. Parts is told whose turn it is, and which part failed to start.
type Failures struct {
	Log   *zap.Logger
	Parts *lifecycle.Parts
}

// LogEvent implements fxevent.Logger.
func (f Failures) LogEvent(event fxevent.Event) {
	switch e := event.(type) {
	case *fxevent.OnStartExecuting:
		f.Parts.Start(e.FunctionName)
	case *fxevent.OnStartExecuted:
		f.Parts.Started(e.Err)
	case *fxevent.OnStopExecuting:
		f.Parts.Stop(e.FunctionName)
	case *fxevent.OnStopExecuted:
		if e.Err != nil {
			f.Log.Error("stop hook failed", zap.String("hook", e.FunctionName), zap.Error(e.Err))
		}
	}
}
