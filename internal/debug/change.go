package debug

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/logger"
)

type level struct {
	Level string `json:"level"`
}

func (d *Debug) level(*http.Request) (any, error) { return level{d.Level.String()}, nil }

// setLevel counts for this process, until it ends or log.level changes.
func (d *Debug) setLevel(r *http.Request) (any, error) {
	var body level
	if err := read(r, &body); err != nil {
		return nil, err
	}
	const said = "the log level was changed"
	before, line := d.Level.String(), d.Log.Check(zap.WarnLevel, said) // before and after: one of them lets it through
	if err := d.Level.Set(body.Level); err != nil {
		return nil, errLevel.Wrap(err)
	}
	now := d.Level.String()
	if line == nil {
		line = d.Log.Check(zap.WarnLevel, said)
	}
	if line != nil {
		line.Write(append(logger.Scope(r.Context()), zap.String("from", before), zap.String("to", now))...)
	}
	d.record(r.Context(), "log.level:"+now, audit.Succeeded)
	return level{now}, nil
}

type reloaded struct {
	Applied []string `json:"applied"`
	Waiting []string `json:"waiting_for_restart"`
}

func (d *Debug) reload(r *http.Request) (any, error) {
	out := d.Reloader.Reload(r.Context(), "operator")
	if out.Refused != nil {
		d.record(r.Context(), "config", audit.Failed)
		return nil, errReload.Detailf("%s", out.Refused)
	}
	d.record(r.Context(), "config", audit.Succeeded)
	return reloaded{list(out.Applied), list(out.Waiting)}, nil
}
