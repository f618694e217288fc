package debug

import (
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/internal/version"
)

func (d *Debug) index(*http.Request) (any, error) {
	all := slices.AppendSeq([]string{"/debug/pprof/", "/metrics", "/healthz", "/ready", "POST /_debug/reload", "PUT /_debug/log-level"}, maps.Keys(d.pages()))
	slices.Sort(all)
	return map[string]any{"pages": all}, nil
}

// Build is which program runs.
type build struct {
	version.Info
	Environment string    `json:"environment"`
	StartedAt   time.Time `json:"started_at"`
	Goroutines  int       `json:"goroutines"`
	CPUs        int       `json:"cpus"` // how many are used at once
}

func (d *Debug) build(*http.Request) (any, error) {
	return build{version.Get(), string(d.Env), d.started.UTC(), runtime.NumGoroutine(), runtime.GOMAXPROCS(0)}, nil
}

type setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"` // secrets are masked
	Source string `json:"source"`
	Reload bool   `json:"reload"` // it may change while the process runs
}

// config shows what counts now, which is not what the files say where a restart is due.
func (d *Debug) config(*http.Request) (any, error) {
	values := d.Reloader.Config().Values()
	settings := make([]setting, len(values))
	for i, v := range values {
		settings[i] = setting{v.Key, v.Text, v.Source, v.Reload}
	}
	return map[string]any{"settings": settings, "waiting_for_restart": list(d.Reloader.Waiting())}, nil
}

// list is never null in JSON.
func list(names []string) []string { return append([]string{}, names...) }

// Route is an operation that the process serves.
type Route struct {
	Module      string   `json:"module"`
	Method      string   `json:"method"`
	Path        string   `json:"path"`
	Access      string   `json:"access"` // public, authenticated or permission
	Permission  string   `json:"permission,omitempty"`
	Entitlement string   `json:"entitlement,omitempty"` // what the tenant's plan has to grant
	Middleware  []string `json:"middleware"`            // what a request passes, in this order
}

// Routes are filled in by the server of the process, if there is one.
type Routes struct{ all atomic.Pointer[[]Route] }

// Set tells what is served.
func (r *Routes) Set(all []Route) { r.all.Store(&all) }

func (d *Debug) routes(*http.Request) (any, error) {
	all := []Route{}
	if served := d.Routes.all.Load(); served != nil {
		all = *served
	}
	return map[string]any{"routes": all}, nil
}
