// Package reload loads the configuration again while the process runs.
package reload

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/config"
	pkgconfig "github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/logger"
)

// ErrStopping is why nothing is loaded any more.
var ErrStopping = errors.New("the process is stopping")

// Source is where the configuration comes from.
type Source struct {
	Now   *config.Config                 // that of the start
	Again func() (*config.Config, error) // reads every layer again and checks the whole
}

// Outcome is what became of a reload.
type Outcome struct {
	config.Changes
	Refused error // why nothing has changed; one line for each fault, which names its key
}

// Reloader has the configuration of the process.
type Reloader struct {
	again   func() (*config.Config, error)
	live    []pkgconfig.Reloadable
	metrics *Metrics
	log     *zap.Logger

	now     atomic.Pointer[config.Config]
	waiting atomic.Pointer[[]string]

	mu     sync.Mutex // one reload at a time
	closed bool
}

// New returns a reloader of the sections that may change.
func New(src Source, m *Metrics, log *zap.Logger, live ...pkgconfig.Reloadable) *Reloader {
	r := &Reloader{again: src.Again, live: live, metrics: m, log: log}
	r.now.Store(src.Now)
	r.waiting.Store(new([]string))
	return r
}

// Config is the effective configuration: that of the start with what was reloaded since.
func (r *Reloader) Config() *config.Config { return r.now.Load() }

// Waiting are the keys that have another value in the files than in the process, which takes them at its next start.
func (r *Reloader) Waiting() []string { return *r.waiting.Load() }

// Reload loads the configuration again and makes what may change count, or changes nothing when any of it is unfit. The
// outcome is logged and counted; why says who asked, such as "signal".
func (r *Reloader) Reload(ctx context.Context, why string) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Outcome{Refused: ErrStopping}
	}
	log := r.log.With(append(logger.Scope(ctx), zap.String("asked_by", why))...)
	const said = "the configuration was reloaded"
	line := log.Check(zap.InfoLevel, said) // before and after: the level may be what changes
	changed, err := r.reload()
	r.metrics.reloaded(changed, err)
	if err != nil {
		log.Error("the configuration cannot be reloaded, the one before stays", zap.Error(err))
		return Outcome{Refused: err}
	}
	if line == nil {
		line = log.Check(zap.InfoLevel, said)
	}
	if line != nil {
		line.Write(zap.Strings("keys", changed.Applied))
	}
	if len(changed.Waiting) > 0 {
		log.Warn("changed settings need a restart", zap.Strings("keys", changed.Waiting))
	}
	return Outcome{Changes: changed}
}

func (r *Reloader) reload() (config.Changes, error) {
	next, err := r.again()
	if err != nil {
		return config.Changes{}, err
	}
	now, changed, err := r.now.Load().Reload(next)
	if err != nil {
		return config.Changes{}, err
	}
	apply := make([]func(), len(r.live))
	for i, section := range r.live {
		if apply[i], err = section.Prepare(now); err != nil {
			return config.Changes{}, err
		}
	}
	for _, count := range apply {
		count()
	}
	r.now.Store(now)
	r.waiting.Store(&changed.Waiting)
	return changed, nil
}

// Close waits for the reload that is on its way. There is none after it.
func (r *Reloader) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}
