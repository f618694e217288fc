package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const encryptionKey = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" // base64 of 32 bytes

// administrator reads the banner's lines about the first administrator.
func administrator(banner string) (email, password string) {
	_, rest, _ := strings.Cut(banner, "Administrator: ")
	email, _, _ = strings.Cut(rest, "\n")
	_, rest, _ = strings.Cut(banner, "Password: ")
	password, _, _ = strings.Cut(rest, " ")
	return email, password
}

func TestTheFirstStartShowsHowToSignInAndTheSecondDoesNot(t *testing.T) {
	t.Parallel()
	here := newPlace(t)
	first := here.serve(t)
	require.Eventually(t, func() bool { return strings.Contains(first.out.String(), "(shown only now)") }, time.Minute, 5*time.Millisecond)
	banner := first.out.String()
	require.Contains(t, banner, "GoPlatform v1.2.3 (development)")
	require.Contains(t, banner, "API docs  "+first.platformURL+"/docs\n")
	email, password := administrator(banner)
	require.Equal(t, "admin@localhost", email)
	require.Len(t, password, 26, "random")
	first.want(t, http.StatusOK, "GET", "/docs", "", nil, nil)
	token := first.login(t, email, password)
	var me struct{ Roles []string }
	first.want(t, http.StatusOK, "GET", "/api/v1/me", token, nil, &me)
	require.Contains(t, me.Roles, "platform_admin")
	require.Zero(t, first.stop(t), &first.log)

	second := here.serve(t)
	second.want(t, http.StatusOK, "GET", "/api/v1/me", token, nil, nil) // the token survives
	second.login(t, email, password)
	require.NotContains(t, second.out.String(), "Password")
	require.NotContains(t, second.out.String(), "Administrator")
	require.Zero(t, second.stop(t))
	require.NotContains(t, first.log.String()+second.log.String(), password)
}

func TestTheBinaryNeedsNothingBesideIt(t *testing.T) {
	t.Parallel()
	here := newPlace(t).with("PLATFORM_DATABASE_URL", "") // the default, below the folder where it runs
	run := here.serve(t)
	require.Zero(t, run.stop(t), &run.log)
	require.FileExists(t, filepath.Join(here.dir, "data", "platform.db"))
	key, err := os.Stat(filepath.Join(here.dir, "data", "encryption.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), key.Mode())
}

func TestATakenPortFailsTheStartAndThePasswordIsNotLost(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	here := newPlace(t)
	run := here.with("PLATFORM_HTTP_ADDR", taken.Addr().String()).run(t, "serve")
	require.NoError(t, taken.Close())
	require.Equal(t, 1, run.code)
	require.Contains(t, run.log.String(), "http.addr: listen tcp "+taken.Addr().String())
	require.Contains(t, run.log.String(), "address already in use")
	require.NotContains(t, run.out.String(), "URL")

	// The administrator was created before the port was tried: this was the only chance to see the password.
	email, password := administrator(run.out.String())
	here.serve(t).login(t, email, password)
}

func TestProductionAsksForItsSecrets(t *testing.T) {
	t.Parallel()
	production := newPlace(t).with("PLATFORM_ENVIRONMENT", "production", "PLATFORM_HTTP_MANAGEMENT_ADDR", "127.0.0.1:0")
	run := production.run(t, "all")
	require.Equal(t, 1, run.code)
	require.Contains(t, run.log.String(), "security.encryption_key must be set")

	production = production.with("PLATFORM_SECURITY_ENCRYPTION_KEY", encryptionKey)
	run = production.run(t, "all")
	require.Equal(t, 1, run.code)
	require.Contains(t, run.log.String(), "PLATFORM_BOOTSTRAP_ADMIN_EMAIL")
	require.Contains(t, run.log.String(), "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD")

	const email, password = "ops@example.com", "a password for the operator"
	production = production.with("PLATFORM_BOOTSTRAP_ADMIN_EMAIL", email, "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD", password)
	run = production.serve(t)
	token := run.login(t, email, password)
	run.want(t, http.StatusNotFound, "GET", "/metrics", "", nil, nil)
	aside := run.managed(t)
	aside.want(t, http.StatusOK, "GET", "/metrics", "", nil, nil)
	aside.want(t, http.StatusUnauthorized, "GET", "/_debug/config", "", nil, nil)
	aside.want(t, http.StatusOK, "GET", "/_debug/config", token, nil, nil)
	require.Zero(t, run.stop(t), &run.log)
	require.NotContains(t, run.out.String(), "Administrator", "not a terminal")
	require.NotContains(t, run.out.String()+run.log.String(), password)
	require.NoFileExists(t, filepath.Join(production.dir, "data", "encryption.key"))
	for line := range strings.Lines(run.log.String()) {
		require.True(t, strings.HasPrefix(line, "{"), "JSON in production: %s", line)
	}
}

func TestHealthAsksTheRunningPlatform(t *testing.T) {
	t.Parallel()
	here := newPlace(t)
	run := here.serve(t)
	addr := strings.TrimPrefix(run.platformURL, "http://")
	healthy := here.run(t, "health", "--set", "http.addr="+addr)
	require.Zero(t, healthy.code, &healthy.log)
	require.Contains(t, healthy.out.String(), `"status":"healthy"`)
	require.Zero(t, run.stop(t))
	gone := here.run(t, "health", "--set", "http.addr="+addr)
	require.Equal(t, 1, gone.code)
	require.Contains(t, gone.log.String(), "the platform does not answer")
}

func TestWorkNeedsNoPort(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	run := newPlace(t).with("PLATFORM_HTTP_ADDR", taken.Addr().String(), "PLATFORM_HOUSEKEEPING_INTERVAL", "1s", "PLATFORM_LOG_LEVEL", "debug").start(t, "work")
	require.Eventually(t, func() bool { return strings.Contains(run.log.String(), "migrated") || run.over() }, 30*time.Second, 5*time.Millisecond)
	require.False(t, run.over(), &run.log)
	require.Zero(t, run.stop(t), &run.log)
	require.Empty(t, run.out.String(), "no banner")
}

func TestASignalDuringTheStartIsObeyed(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // a database that never answers
	require.NoError(t, err)
	defer func() { require.NoError(t, silent.Close()) }()
	run := newPlace(t).with("PLATFORM_DATABASE_URL", "postgres://platform@"+silent.Addr().String()+"/platform").start(t, "all")
	require.NoError(t, silent.(*net.TCPListener).SetDeadline(time.Now().Add(30*time.Second)))
	waiting, err := silent.Accept()
	require.NoError(t, err)
	defer func() { _ = waiting.Close() }()
	began := time.Now()
	require.Zero(t, run.stop(t), "%s", &run.log)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Empty(t, run.out.String())
}
