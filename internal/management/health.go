package management

import (
	"encoding/json"
	"net/http"

	"github.com/yourorg/platform/internal/health"
	checks "github.com/yourorg/platform/pkg/health"
)

// alive and ready answer as the public listener does: see the contract in internal/system.
func alive(w http.ResponseWriter, _ *http.Request) {
	Show(w, http.StatusOK, map[string]string{"status": "ok"})
}

type ready struct{ registry *health.Registry }

type readiness struct {
	Status checks.Status `json:"status"`
	Checks []check       `json:"checks"`
}

type check struct {
	Name       string        `json:"name"`
	Status     checks.Status `json:"status"`
	DurationMs float64       `json:"duration_ms"`
}

func (h ready) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	report := h.registry.Report()
	body := readiness{Status: report.Status, Checks: make([]check, len(report.Checks))}
	for i, c := range report.Checks {
		body.Checks[i] = check{c.Name, c.Status, float64(c.Duration.Microseconds()) / 1000}
	}
	status := http.StatusOK
	if report.Status == checks.Unhealthy {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	Show(w, status, body)
}

// Show answers with JSON.
func Show(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil { // the answers are made of what always encodes
		status, encoded = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(encoded, '\n')) // whoever has gone does not read it
}
