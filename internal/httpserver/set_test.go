package httpserver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/config"
)

// loaded is a configuration that was loaded again.
type loaded struct {
	config.Provider
	change func(*httpserver.Config)
}

func (l loaded) Unmarshal(_ string, into any) error {
	l.change(into.(*httpserver.Config))
	return nil
}

func TestTheLimitsAndTheOriginsMayChangeWhileItRuns(t *testing.T) {
	t.Parallel()
	const ours = "https://app.example.com"
	var live *config.Live[httpserver.Config]
	app := testapp.New(t, modules.All(), testapp.Options{
		Set:   []string{"http.abuse_guard.enabled=true", "http.abuse_guard.rate=1000000", "http.abuse_guard.burst=1000000"},
		Extra: []fx.Option{fx.Populate(&live)},
	})
	reload := func(change func(*httpserver.Config)) {
		apply, err := live.Prepare(loaded{change: change})
		require.NoError(t, err)
		apply()
	}
	ask := func() testapp.Answer {
		return app.Do(t, testapp.Call{Path: "/version", Header: map[string]string{"Origin": ours}})
	}
	require.Empty(t, ask().Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "256", metric(t, app, `platform_http_admission_limit{gate="requests"}`))

	reload(func(c *httpserver.Config) {
		c.CORS.AllowedOrigins, c.CORS.MaxAge = []string{ours}, time.Minute
		c.Concurrency.Limit = 32
	})
	require.Equal(t, ours, ask().Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "32", metric(t, app, `platform_http_admission_limit{gate="requests"}`))
	require.Equal(t, "2", metric(t, app, `platform_http_admission_limit{gate="operators"}`))

	reload(func(c *httpserver.Config) { c.AbuseGuard.Rate, c.AbuseGuard.Burst, c.CORS.AllowedOrigins = 1, 1, nil })
	require.Empty(t, ask().Header.Get("Access-Control-Allow-Origin"))
	require.Eventually(t, func() bool { return ask().Status == http.StatusTooManyRequests }, time.Minute, time.Millisecond)
}
