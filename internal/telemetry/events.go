package telemetry

import (
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"
)

// Failures logs what went wrong while the graph was built, started or stopped, and nothing else: the rest would be a
// hundred lines at every start.
type Failures struct{ Log *zap.Logger }

// LogEvent implements fxevent.Logger.
func (f Failures) LogEvent(event fxevent.Event) {
	switch e := event.(type) {
	case *fxevent.OnStartExecuted:
		f.report("start hook failed", e.FunctionName, e.Err)
	case *fxevent.OnStopExecuted:
		f.report("stop hook failed", e.FunctionName, e.Err)
	case *fxevent.Stopped:
		f.report("stop failed", "", e.Err)
	}
}

// The errors of building and starting come back from fx itself, and the command prints them.
func (f Failures) report(message, culprit string, err error) {
	if err != nil {
		f.Log.Error(message, zap.String("hook", culprit), zap.Error(err))
	}
}
