package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/problem"
)

func TestAHashMatchesItsPasswordOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := cost{
			memory:      rapid.Uint32Range(64, 128).Draw(t, "memory"),
			iterations:  rapid.Uint32Range(1, 2).Draw(t, "iterations"),
			parallelism: uint8(rapid.IntRange(1, 4).Draw(t, "parallelism")),
		}
		one, other := rapid.String().Draw(t, "password"), rapid.String().Draw(t, "another password")
		stored, err := parsePHC(derive(one, c).String())
		require.NoError(t, err)
		require.Equal(t, c, stored.cost)
		require.True(t, stored.matches(one))
		require.Equal(t, one == other, stored.matches(other))
	})
}

func TestTwoHashesOfOnePasswordDiffer(t *testing.T) {
	t.Parallel()
	p := newPasswords(cheap())
	first, err := p.hash(t.Context(), password)
	require.NoError(t, err)
	second, err := p.hash(t.Context(), password)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.Regexp(t, `^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, first)
}

func TestParsePHCRefusesWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	const salt, key = "c29tZXNhbHRzb21lc2FsdA", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"
	_, err := parsePHC("$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key)
	require.NoError(t, err)
	tests := map[string]string{
		"nothing":                     "",
		"another algorithm":           "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"another version":             "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"a missing parameter":         "$argon2id$v=19$m=64,t=1$" + salt + "$" + key,
		"parameters in another order": "$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + key,
		"a negative parameter":        "$argon2id$v=19$m=-64,t=1,p=1$" + salt + "$" + key,
		"a terabyte of memory":        "$argon2id$v=19$m=1073741824,t=1,p=1$" + salt + "$" + key,
		"more than 32 bits of memory": "$argon2id$v=19$m=4294967360,t=1,p=1$" + salt + "$" + key,
		"too little memory":           "$argon2id$v=19$m=8,t=1,p=2$" + salt + "$" + key,
		"endless iterations":          "$argon2id$v=19$m=64,t=1000000,p=1$" + salt + "$" + key,
		"no iterations":               "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"no threads":                  "$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key,
		"too many threads":            "$argon2id$v=19$m=4096,t=1,p=255$" + salt + "$" + key,
		"a short salt":                "$argon2id$v=19$m=64,t=1,p=1$c2E$" + key,
		"no key":                      "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"a key too long":              "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("QUJD", 50),
		"padded base64":               "$argon2id$v=19$m=64,t=1,p=1$" + salt + "==$" + key,
		"something after the key":     "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "$",
	}
	for name, stored := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parsePHC(stored)
			require.ErrorIs(t, err, errPHC)
		})
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(derive(password, cost{memory: 64, iterations: 1, parallelism: 1}).String())
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, stored string) {
		h, err := parsePHC(stored)
		if err != nil {
			return
		}
		require.LessOrEqual(t, h.memory, uint32(maxMemory))
		require.LessOrEqual(t, h.iterations, uint32(maxIterations))
		require.GreaterOrEqual(t, h.memory, 8*uint32(h.parallelism))
	})
}

func TestNoPasswordMatchesWithoutAHash(t *testing.T) {
	t.Parallel()
	ok, err := newPasswords(cheap()).verify(t.Context(), "", "")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestADamagedHashIsAnError(t *testing.T) {
	t.Parallel()
	_, err := newPasswords(cheap()).verify(t.Context(), password, "damaged")
	require.ErrorIs(t, err, errPHC)
	require.Equal(t, problem.Internal, problem.From(err).Kind)
}

func TestAFullPoolAnswersBusyAtOnceAndServesWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := cheap()
		cfg.Password.Workers, cfg.Password.Queue = 1, 1
		p := newPasswords(cfg)
		release, results := make(chan struct{}), make(chan error, 2)
		for range 2 { // one runs, one waits
			go func() { results <- p.run(t.Context(), func() { <-release }) }()
		}
		synctest.Wait()

		_, err := p.hash(t.Context(), password)
		require.ErrorIs(t, err, identityapi.ErrPasswordBusy)
		busy := problem.From(err)
		require.Equal(t, problem.Unavailable, busy.Kind)
		require.Equal(t, time.Second, busy.RetryAfter)

		close(release)
		require.NoError(t, <-results)
		require.NoError(t, <-results)
		_, err = p.hash(t.Context(), password)
		require.NoError(t, err)
	})
}

func TestWaitingForThePoolObeysTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := cheap()
		cfg.Password.Workers, cfg.Password.Queue = 1, 1
		p := newPasswords(cfg)
		release, first, second := make(chan struct{}), make(chan error, 1), make(chan error, 1)
		go func() { first <- p.run(t.Context(), func() { <-release }) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := p.verify(ctx, password, "")
			second <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-second, context.Canceled)

		go func() { second <- p.run(t.Context(), func() {}) }() // the place in the queue is free again
		synctest.Wait()
		close(release)
		require.NoError(t, errors.Join(<-first, <-second))
	})
}

func TestNewPasswordsHaveALength(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ password, code string }{
		"eight characters are enough":             {"k7pq2xzm", ""},
		"characters count, not bytes":             {"äöüäöüä", "too_short"},
		"eight characters of several bytes pass":  {"äöüäöüäö", ""},
		"a passphrase with spaces passes":         {"correct horse battery staple", ""},
		"256 bytes are the limit":                 {strings.Repeat("x", 256), ""},
		"257 bytes are too long":                  {strings.Repeat("x", 257), "too_long"},
		"seven characters are too short":          {"1234567", "too_short"},
		"no password is required, not just short": {"", "required"},
	}
	p := newPasswords(cheap())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault := p.check(test.password)
			if test.code == "" {
				require.Nil(t, fault)
				return
			}
			require.NotNil(t, fault)
			require.Equal(t, "password", fault.Field)
			require.Equal(t, test.code, fault.Code)
		})
	}
}
