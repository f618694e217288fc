package httpserver_test

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

const (
	posts   = "/api/v1/blog/posts"
	profile = "/api/v1/me"

	operators = "/api/v1/ops/events" // for the operator only
)

func TestEveryAnswerToACallerSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"ratelimit.tenant.per_second=1", "ratelimit.tenant.burst=5000", "ratelimit.public_per_minute=60"}})
	u := app.Register(t, "owner")
	limit := regexp.MustCompile(`^"tenant";r=(\d+);t=1$`)
	last := 5001
	for name, c := range map[string]struct {
		status int
		call   testapp.Call
	}{
		"an answer":                {200, testapp.Call{Path: posts}},
		"one without a body":       {200, testapp.Call{Method: http.MethodHead, Path: posts}},
		"what is not there":        {404, testapp.Call{Path: posts + "/0190a0f0-0000-7000-8000-000000000000"}},
		"what is not acceptable":   {422, testapp.Call{Method: http.MethodPost, Path: posts, Body: map[string]any{}}},
		"what cannot be parsed":    {400, testapp.Call{Method: http.MethodPost, Path: posts, Body: "{"}},
		"another media type":       {415, testapp.Call{Method: http.MethodPost, Path: posts, Body: "x", Header: map[string]string{"Content-Type": "text/plain"}}},
		"what is not allowed":      {403, testapp.Call{Path: operators}},
		"a query that is no good":  {422, testapp.Call{Path: posts + "?limit=0"}},
		"an operation for anybody": {200, testapp.Call{Path: profile}},
	} {
		c.call.Token = u.Token
		answer := app.Do(t, c.call)
		require.Equal(t, c.status, answer.Status, "%s: %s", name, answer.Body)
		require.Equal(t, []string{`"tenant";q=5000;w=5000`}, answer.Header["Ratelimit-Policy"], name)
		require.Len(t, answer.Header["Ratelimit"], 1, name)
		match := limit.FindStringSubmatch(answer.Header.Get("RateLimit"))
		require.Len(t, match, 2, "%s: %s", name, answer.Header.Get("RateLimit"))
		left, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		require.InDelta(t, last-1, left, 5, name) // a second may have passed
		last = left
		require.Empty(t, answer.Header["Retry-After"], name)
	}

	stranger := app.Want(t, http.StatusUnauthorized, testapp.Call{Path: posts})
	require.Empty(t, stranger.Header["Ratelimit"], "nobody is limited")
	require.Empty(t, app.Want(t, http.StatusOK, testapp.Call{Path: "/healthz"}).Header["Ratelimit"], "a probe is never refused")
	keys := app.Want(t, http.StatusOK, testapp.Call{Path: "/.well-known/jwks.json"})
	require.Equal(t, []string{`"public";q=60;w=60`}, keys.Header["Ratelimit-Policy"])
	require.Equal(t, []string{`"public";r=59;t=1`}, keys.Header["Ratelimit"])
}

func TestAnOperationForStrangersToldFromCallersSaysBoth(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"ratelimit.public_per_minute=1000"}})
	u := app.Register(t, "owner")
	accept := testapp.Call{Method: http.MethodPost, Path: "/api/v1/invitations/accept", Body: map[string]any{"token": "no such token"}}
	require.Len(t, app.Do(t, accept).Header["Ratelimit-Policy"], 1)
	accept.Token = u.Token
	answer := app.Do(t, accept)
	require.Equal(t, []string{`"public";q=1000;w=60`, `"tenant";q=10000000;w=10`}, answer.Header["Ratelimit-Policy"], "%s", answer.Body)
	require.Len(t, answer.Header["Ratelimit"], 2)
	require.Equal(t, []string{`"tenant";q=10000000;w=10`}, app.Want(t, 200, testapp.Call{Path: profile, Token: u.Token}).Header["Ratelimit-Policy"],
		"what was added to one answer is in no other")
}

func TestATenantThatAsksTooFastIsRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"ratelimit.tenant.per_second=1", "ratelimit.tenant.burst=3"}})
	fast, calm := app.Register(t, "fast"), app.Register(t, "calm")
	denied := func() string { return metric(t, app, `platform_terms_denied_total{by="rate"}`) }
	require.Empty(t, denied())
	call := testapp.Call{Path: posts, Token: fast.Token}
	answer := app.Do(t, call)
	for range 1000 {
		if answer = app.Do(t, call); answer.Status == http.StatusTooManyRequests {
			break
		}
	}
	require.Equal(t, http.StatusTooManyRequests, answer.Status)
	require.Equal(t, "request.rate_limited", answer.Code(t))
	require.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
	require.Equal(t, "1", answer.Header.Get("Retry-After"))
	require.Equal(t, `"tenant";q=3;w=3`, answer.Header.Get("RateLimit-Policy"))
	require.Equal(t, `"tenant";r=0;t=1`, answer.Header.Get("RateLimit"), "which agrees with Retry-After")
	require.Equal(t, "1", denied())
	require.NotEmpty(t, metric(t, app, `platform_ratelimit_decisions_total{limit="caller",outcome="refused",store="memory"}`))
	app.Want(t, http.StatusOK, testapp.Call{Path: posts, Token: calm.Token})
	// The limit comes before the permission: who guesses at operations is no better off.
	for range 1000 {
		if answer = app.Do(t, testapp.Call{Path: operators, Token: fast.Token}); answer.Status == http.StatusTooManyRequests {
			break
		}
	}
	require.Equal(t, http.StatusTooManyRequests, answer.Status)
}

func TestAKeyHasALimitOfItsOwnWithinTheTenants(t *testing.T) {
	t.Parallel()
	var registry terms.Registry
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&registry)}, Set: []string{
		"ratelimit.key.per_second=1", "ratelimit.key.burst=2",
	}})
	u := app.Register(t, "owner")
	made := func(name string) string {
		var key struct{ Key string }
		app.Want(t, http.StatusCreated, testapp.Call{
			Method: http.MethodPost, Path: "/api/v1/api-keys", Token: u.Token, Body: map[string]any{"name": name, "permissions": []string{"blog.post.read"}},
		}).JSON(t, &key)
		return key.Key
	}
	ask := func(key string) testapp.Answer {
		return app.Do(t, testapp.Call{Path: posts, Header: map[string]string{"X-API-Key": key}})
	}
	flood := func(key string) (answer testapp.Answer) {
		for range 1000 {
			if answer = ask(key); answer.Status == http.StatusTooManyRequests {
				break
			}
		}
		return answer
	}
	one, two := made("one"), made("two")
	answer := flood(one)
	require.Equal(t, http.StatusTooManyRequests, answer.Status)
	require.Equal(t, []string{`"tenant";q=10000000;w=10, "key";q=2;w=2`}, answer.Header["Ratelimit-Policy"])
	require.Regexp(t, `^"tenant";r=\d+;t=[01], "key";r=0;t=1$`, answer.Header.Get("RateLimit"))
	require.Equal(t, http.StatusOK, ask(two).Status, "another key")
	session := app.Want(t, http.StatusOK, testapp.Call{Path: posts, Token: u.Token})
	require.NotContains(t, session.Header.Get("RateLimit"), "key")

	ctx := tenant.System(t.Context(), "the operator")
	_, err := registry.SetLimits(ctx, u.TenantID, terms.Limits{KeyRate: &terms.Rate{PerSecond: 50, Burst: 700}}, nil)
	require.NoError(t, err)
	testapp.WithinASecond(t, func() bool {
		return ask(one).Header.Get("RateLimit-Policy") == `"tenant";q=10000000;w=10, "key";q=700;w=14`
	})
	_, err = registry.SetLimits(ctx, u.TenantID, terms.Limits{Rate: &terms.Rate{PerSecond: 1, Burst: 1}}, nil)
	require.NoError(t, err)
	testapp.WithinASecond(t, func() bool { return ask(two).Header.Get("RateLimit-Policy") == `"tenant";q=1;w=1, "key";q=2;w=2` })
	require.Equal(t, http.StatusTooManyRequests, flood(two).Status)
}

func TestAnAnswerThatIsLateSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, wake, left := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
			app := probed(t, map[string]module.Handler{"ClosedPost": stubborn(entered, wake, left)}, testapp.Options{Set: []string{"http.request_timeout=1s"}})
			u := app.Register(t, "owner")
			client, url := served(t, app, http2)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/probe/closed", nil)
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer "+u.Token)
			response, err := client.Do(r)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			<-entered
			require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
			require.Equal(t, `"tenant";q=10000000;w=10`, response.Header.Get("RateLimit-Policy"))
			require.NotEmpty(t, response.Header.Get("RateLimit"))
			close(wake)
			<-left
		})
	}
}

func TestNobodyIsServedWhoseTermsCannotBeRead(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "owner")
	app.Tamper(t, "ALTER TABLE terms_limits RENAME TO terms_limits_gone")
	answer := app.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: posts, Token: u.Token})
	require.Equal(t, "terms.unavailable", answer.Code(t))
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	app.Tamper(t, "ALTER TABLE terms_limits_gone RENAME TO terms_limits")
	app.Want(t, http.StatusOK, testapp.Call{Path: posts, Token: u.Token})
}

func TestReplicasShareTheLimitsWithRedis(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	set := testapp.Options{Set: []string{
		"redis.url=redis://" + b.Addr + "/0", "ratelimit.timeout=5s", "ratelimit.tenant.per_second=1", "ratelimit.tenant.burst=1000", "ratelimit.public_per_minute=3",
	}}
	first := testapp.New(t, modules.All(), set)
	set.Database = first.DatabaseURL()
	second := testapp.New(t, modules.All(), set)
	u := first.Register(t, "owner")
	began := time.Now()
	for _, app := range []*testapp.App{first, second, first, second} {
		app.Want(t, http.StatusOK, testapp.Call{Path: posts, Token: u.Token})
	}
	answer := second.Want(t, http.StatusOK, testapp.Call{Path: posts, Token: u.Token})
	left, err := strconv.Atoi(regexp.MustCompile(`r=(\d+)`).FindStringSubmatch(answer.Header.Get("RateLimit"))[1])
	require.NoError(t, err)
	require.InDelta(t, 995, left, time.Since(began).Seconds()+1)

	statuses := map[int]int{}
	for range 1000 { // every 20 s drain one
		for _, app := range []*testapp.App{first, second} {
			statuses[app.Do(t, testapp.Call{Path: "/.well-known/jwks.json"}).Status]++
		}
		if statuses[http.StatusTooManyRequests] > 0 {
			break
		}
	}
	require.LessOrEqual(t, statuses[http.StatusOK], 3+int(time.Since(began).Seconds()/20)+1)
	require.Equal(t, "0", metric(t, first, "platform_ratelimit_fallback"))
}
