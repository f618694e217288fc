// Package debug shows the operator the inside of a running process, and lets them change the little that may change.
package debug

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/http/pprof"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/system/coreapi"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Deps are what is shown, and what decides who may see it.
type Deps struct {
	Log       *zap.Logger
	Env       config.Environment
	Reloader  *reload.Reloader
	Level     *telemetry.Level
	Routes    *Routes
	Events    event.Inspector
	Jobs      job.Inspector
	Tokens    auth.Authenticator
	Access    authz.Authorizer
	Operators tenant.Operators
	Audit     audit.Recorder
	Tx        tx.Runner
}

// Debug has the pages.
type Debug struct {
	Deps
	started time.Time
	origins *http.CrossOriginProtection
}

// New returns the pages.
func New(d Deps) *Debug {
	return &Debug{Deps: d, started: time.Now(), origins: http.NewCrossOriginProtection()}
}

var (
	errMedia  = problem.New(problem.UnsupportedMedia, "request.media_type", "The content type is not accepted")
	errBody   = problem.New(problem.Malformed, "request.body_malformed", "The request body cannot be parsed")
	errLevel  = problem.New(problem.Invalid, "debug.level_unknown", "The level must be debug, info, warn or error")
	errReload = problem.New(problem.Invalid, "debug.reload_refused", "The configuration cannot be reloaded, the one before stays")
)

// A page answers with what is encoded as JSON.
type page func(r *http.Request) (any, error)

// pages are the addresses of what can be read.
func (d *Debug) pages() map[string]page {
	return map[string]page{
		"/_debug":           d.index,
		"/_debug/build":     d.build,
		"/_debug/config":    d.config,
		"/_debug/routes":    d.routes,
		"/_debug/events":    d.events,
		"/_debug/jobs":      d.jobs,
		"/_debug/log-level": d.level,
	}
}

// Mount adds the pages to a listener that the public cannot reach. The command line of the process is not among them: it
// may hold a secret.
func (d *Debug) Mount(mux *http.ServeMux) {
	for path, p := range d.pages() {
		mux.Handle("GET "+path, d.shown(coreapi.PermDebugRead, p))
	}
	mux.Handle("PUT /_debug/log-level", d.shown(coreapi.PermDebugChange, d.setLevel))
	mux.Handle("POST /_debug/reload", d.shown(coreapi.PermDebugChange, d.reload))
	mux.Handle("GET /debug/pprof/", d.guarded(pprof.Index))
	mux.Handle("GET /debug/pprof/profile", d.guarded(pprof.Profile))
	mux.Handle("GET /debug/pprof/symbol", d.guarded(pprof.Symbol))
	mux.Handle("GET /debug/pprof/trace", d.guarded(pprof.Trace))
}

// shown answers with a page to whoever holds a permission.
func (d *Debug) shown(p perm.Permission, show page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := d.admit(r, p)
		if err != nil {
			d.refuse(w, r, p, err)
			return
		}
		body, err := show(r)
		if err != nil {
			d.refuse(w, r, p, err)
			return
		}
		management.Show(w, http.StatusOK, body)
	})
}

// guarded is shown for what writes its answer itself.
func (d *Debug) guarded(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := d.admit(r, coreapi.PermDebugRead)
		if err != nil {
			d.refuse(w, r, coreapi.PermDebugRead, err)
			return
		}
		next(w, r)
	})
}

// read decodes a small JSON body strictly.
func read(r *http.Request, into any) error {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		return errMedia
	}
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if err := body.Decode(into); err != nil {
		return errBody.Wrap(err)
	}
	if body.More() {
		return errBody.Wrap(errors.New("there is more than one value"))
	}
	return nil
}
