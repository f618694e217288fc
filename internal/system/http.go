// Package system answers for the platform as a whole: is it there, is it well, which build is it, which keys does it
// sign with.
package system

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/system/internal/api"
	"github.com/yourorg/platform/internal/version"
	checks "github.com/yourorg/platform/pkg/health"
)

// Keys are the keys that sign access tokens.
type Keys interface {
	// JWKS returns the public keys as a JSON Web Key Set (RFC 7517).
	JWKS() []byte
}

type handler struct {
	health *health.Registry
	keys   Keys
}

func newHandler(registry *health.Registry, keys Keys) api.StrictServerInterface {
	return &handler{health: registry, keys: keys}
}

func (*handler) GetLiveness(context.Context, api.GetLivenessRequestObject) (api.GetLivenessResponseObject, error) {
	return api.GetLiveness200JSONResponse{Status: api.LivenessStatusOk}, nil
}

func (h *handler) GetReadiness(context.Context, api.GetReadinessRequestObject) (api.GetReadinessResponseObject, error) {
	report := h.health.Report()
	body := api.Readiness{Status: api.Status(report.Status), Checks: make([]api.Check, len(report.Checks))}
	for i, c := range report.Checks {
		body.Checks[i] = api.Check{Name: c.Name, Status: api.Status(c.Status), DurationMs: milliseconds(c.Duration)}
	}
	if report.Status == checks.Unhealthy {
		retryAfter := 1
		return api.GetReadiness503JSONResponse{
			Body: body, Headers: api.GetReadiness503ResponseHeaders{RetryAfter: &retryAfter},
		}, nil
	}
	return api.GetReadiness200JSONResponse(body), nil
}

func (h *handler) GetHealth(context.Context, api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	report := h.health.Report()
	body := api.GetHealth200JSONResponse{
		Status: api.Status(report.Status), Checks: make([]api.ExplainedCheck, len(report.Checks)),
	}
	for i, c := range report.Checks {
		body.Checks[i] = api.ExplainedCheck{Name: c.Name, Status: api.Status(c.Status), DurationMs: milliseconds(c.Duration)}
		if c.Err != nil {
			reason := c.Err.Error()
			body.Checks[i].Error = &reason
		}
	}
	return body, nil
}

func (*handler) GetVersion(context.Context, api.GetVersionRequestObject) (api.GetVersionResponseObject, error) {
	build := version.Get()
	return api.GetVersion200JSONResponse{
		Version: build.Version, Commit: build.Commit, Built: build.Built, Go: build.Go,
	}, nil
}

func (h *handler) GetSigningKeys(context.Context, api.GetSigningKeysRequestObject) (api.GetSigningKeysResponseObject, error) {
	set := api.GetSigningKeys200JSONResponse{Keys: []api.Key{}}
	if err := json.Unmarshal(h.keys.JWKS(), &set); err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return set, nil
}

// milliseconds keeps three decimals, which is what a clock is good for.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
