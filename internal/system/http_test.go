package system

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/system/coreapi"
	"github.com/yourorg/platform/internal/system/internal/api"
	"github.com/yourorg/platform/internal/version"
	checks "github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
)

type check struct {
	name   string
	status checks.Status
	err    error
}

func (c check) Name() string                                 { return c.name }
func (c check) Check(context.Context) (checks.Status, error) { return c.status, c.err }

type keys string

func (k keys) JWKS() []byte { return []byte(k) }

func newTestHandler(t *testing.T, k Keys, parts ...checks.Check) api.StrictServerInterface {
	t.Helper()
	registry, err := health.New(health.DefaultConfig(), parts...)
	require.NoError(t, err)
	return newHandler(registry, k)
}

// written is a response as it goes out.
func written(t *testing.T, visit func(http.ResponseWriter) error) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	require.NoError(t, visit(w))
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return w, body
}

func ready(t *testing.T, parts ...checks.Check) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	response, err := newTestHandler(t, nil, parts...).GetReadiness(t.Context(), api.GetReadinessRequestObject{})
	require.NoError(t, err)
	return written(t, response.VisitGetReadinessResponse)
}

func TestLivenessLooksAtNothing(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, nil, check{"database", checks.Unhealthy, errors.New("gone")})
	response, err := h.GetLiveness(t.Context(), api.GetLivenessRequestObject{})
	require.NoError(t, err)
	w, body := written(t, response.VisitGetLivenessResponse)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, map[string]any{"status": "ok"}, body)
}

func TestReadinessShowsStatesWithoutReasons(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status checks.Status
		code   int
	}{
		"healthy serves":           {checks.Healthy, http.StatusOK},
		"degraded serves":          {checks.Degraded, http.StatusOK},
		"unhealthy does not serve": {checks.Unhealthy, http.StatusServiceUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reason error
			if test.status != checks.Healthy {
				reason = errors.New("password=hunter2")
			}
			w, body := ready(t, check{"cache", checks.Healthy, nil}, check{"database", test.status, reason})
			require.Equal(t, test.code, w.Code)
			require.NotContains(t, w.Body.String(), "hunter2")
			require.Equal(t, test.code == http.StatusServiceUnavailable, w.Header().Get("Retry-After") == "1")
			require.Equal(t, string(test.status), body["status"])
			parts := body["checks"].([]any)
			require.Len(t, parts, 2)
			database := parts[1].(map[string]any)
			require.Equal(t, "database", database["name"])
			require.Equal(t, string(test.status), database["status"])
			require.GreaterOrEqual(t, database["duration_ms"], 0.0)
			require.Len(t, database, 3)
		})
	}
}

func TestHealthShowsReasons(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, nil, check{"cache", checks.Healthy, nil}, check{"database", checks.Unhealthy, errors.New("gone")})
	response, err := h.GetHealth(t.Context(), api.GetHealthRequestObject{})
	require.NoError(t, err)
	w, body := written(t, response.VisitGetHealthResponse)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "unhealthy", body["status"])
	parts := body["checks"].([]any)
	require.NotContains(t, parts[0], "error")
	require.Equal(t, "gone", parts[1].(map[string]any)["error"])
}

func TestAPlatformWithoutPartsIsReady(t *testing.T) {
	t.Parallel()
	_, body := ready(t)
	require.Equal(t, map[string]any{"status": "healthy", "checks": []any{}}, body)
}

func TestVersionIsThatOfTheBuild(t *testing.T) {
	t.Parallel()
	response, err := newTestHandler(t, nil).GetVersion(t.Context(), api.GetVersionRequestObject{})
	require.NoError(t, err)
	_, body := written(t, response.VisitGetVersionResponse)
	build := version.Get()
	require.Equal(t, map[string]any{
		"version": build.Version, "commit": build.Commit, "built": build.Built, "go": build.Go,
	}, body)
}

func TestSigningKeysAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	key := map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k1", "use": "sig", "alg": "EdDSA"}
	encoded, err := json.Marshal(map[string]any{"keys": []any{key}})
	require.NoError(t, err)
	response, err := newTestHandler(t, keys(encoded)).GetSigningKeys(t.Context(), api.GetSigningKeysRequestObject{})
	require.NoError(t, err)
	_, body := written(t, response.VisitGetSigningKeysResponse)
	require.Equal(t, map[string]any{"keys": []any{key}}, body)

	_, err = newTestHandler(t, keys("not JSON")).GetSigningKeys(t.Context(), api.GetSigningKeysRequestObject{})
	require.ErrorContains(t, err, "signing keys")
}

func TestTheManifestIsTheCore(t *testing.T) {
	t.Parallel()
	m, err := module.ParseManifest(Manifest())
	require.NoError(t, err)
	require.Equal(t, "core", m.Name)
	require.Equal(t, "core", m.Kind)
	require.Equal(t, perm.Definition{
		Name:        coreapi.PermHealthCheck,
		Description: "See the state of every part of the platform, with the reasons.",
		Roles:       []string{"platform_admin"},
	}, m.Permissions[0])
	for _, p := range m.Permissions {
		require.Equal(t, []string{"platform_admin"}, p.Roles, "the operator's alone: %s", p.Name)
	}
}
