package cors

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func from(origins ...string) *http.Request {
	return &http.Request{Header: http.Header{"Origin": origins}}
}

func TestOnlyListedOriginsAreNamed(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.AllowedOrigins = []string{"https://app.example.com", "http://localhost:3000"}
	p := New(cfg)
	for _, origin := range cfg.AllowedOrigins {
		h := http.Header{}
		require.True(t, p.Mark(h, from(origin)))
		require.Equal(t, origin, h.Get("Access-Control-Allow-Origin"))
		require.Empty(t, h.Get("Access-Control-Allow-Credentials"))
		require.Equal(t, "Origin", h.Get("Vary"))
	}
	for _, r := range []*http.Request{
		from(), from(""), from("null"), from("*"), from("https://evil.example"), from("https://app.example.com.evil.example"),
		from("https://sub.app.example.com"), from("http://app.example.com"), from("https://app.example.com:8443"), from("HTTPS://APP.EXAMPLE.COM"),
		from("https://app.example.com", "https://app.example.com"), from("https://app.example.com/"),
	} {
		h := http.Header{}
		require.False(t, p.Mark(h, r), r.Header)
		require.Equal(t, http.Header{"Vary": {"Origin"}}, h, "caches are told all the same")
	}
}

func TestEverybodyIsNotRepeated(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.AllowedOrigins = []string{"*"}
	h := http.Header{}
	require.True(t, New(cfg).Mark(h, from("https://whoever.example")))
	require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"))
	require.Empty(t, h.Get("Access-Control-Allow-Credentials"))
}

func TestAPreflightIsToldWhatIsConfigured(t *testing.T) {
	t.Parallel()
	p := New(Config{AllowedOrigins: []string{"https://a.example"}, AllowedHeaders: []string{"X-One", "X-Two"}, AllowCredentials: true, MaxAge: 90 * time.Second})
	r := from("https://a.example")
	r.Method = http.MethodOptions
	require.False(t, Preflight(r), "it asks for nothing")
	r.Header["Access-Control-Request-Method"] = []string{"PATCH"}
	require.True(t, Preflight(r))
	h := http.Header{}
	require.True(t, p.Mark(h, r))
	p.Answer(h)
	require.Equal(t, http.Header{
		"Vary":                             {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
		"Access-Control-Allow-Origin":      {"https://a.example"},
		"Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Allow-Methods":     {"GET, HEAD, POST, PUT, PATCH, DELETE"},
		"Access-Control-Allow-Headers":     {"X-One, X-Two"},
		"Access-Control-Max-Age":           {"90"},
	}, h)
	require.Equal(t, []string{"Origin"}, variesByOrigin)
}

func TestNobodyIsAllowedByDefault(t *testing.T) {
	t.Parallel()
	require.Nil(t, New(DefaultConfig()))
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for _, fine := range []string{"*", "https://a.example", "http://localhost:3000", "http://[::1]:80" + "80", "https://192.0.2.1"} {
		require.NoError(t, Config{AllowedOrigins: []string{fine}}.Validate(), fine)
	}
	for want, bad := range map[string][]Config{
		"allowed_origins must be origins": {
			{AllowedOrigins: []string{""}},
			{AllowedOrigins: []string{"null"}},
			{AllowedOrigins: []string{"a.example"}},
			{AllowedOrigins: []string{"https://a.example/"}},
			{AllowedOrigins: []string{"https://A.example"}},
			{AllowedOrigins: []string{"https://*.example"}},
			{AllowedOrigins: []string{"ftp://a.example"}},
			{AllowedOrigins: []string{"https://u@a.example"}},
			{AllowedOrigins: []string{"https://a.example:443"}},
			{AllowedOrigins: []string{"https://a.example:"}},
			{AllowedOrigins: []string{"https://a.example?x"}},
			{AllowedOrigins: []string{"https://a.example\r\nX: y"}},
		},
		"allowed_origins must not name others": {{AllowedOrigins: []string{"*", "https://a.example"}}},
		"allow_credentials must not be true":   {{AllowedOrigins: []string{"*"}, AllowCredentials: true}},
		"allowed_headers must be names":        {{AllowedHeaders: []string{"a b"}}, {AllowedHeaders: []string{"*"}}, {AllowedHeaders: []string{""}}},
		"max_age must be between 0s and 24h":   {{MaxAge: -1}, {MaxAge: 25 * time.Hour}},
	} {
		for _, cfg := range bad {
			require.ErrorContains(t, cfg.Validate(), want, cfg)
		}
	}
}
