package auth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALockBeginsWithTheSixthFailureAndDoublesToThirtySeconds(t *testing.T) {
	t.Parallel()
	rules := DefaultLockoutRules()
	want := []time.Duration{0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30}
	for failures, seconds := range want {
		require.Equal(t, seconds*time.Second, rules.Lock(failures), failures)
	}
	require.Equal(t, 30*time.Second, rules.Lock(1<<40))
}

func TestRulesNameTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultSessionRules().Validate())
	require.NoError(t, DefaultLockoutRules().Validate())
	for key, change := range map[string]func(*SessionRules){
		"session_idle":     func(r *SessionRules) { r.SessionIdle = time.Second },
		"session_absolute": func(r *SessionRules) { r.SessionAbsolute = 0 },
		"refresh_grace":    func(r *SessionRules) { r.RefreshGrace = time.Hour },
	} {
		rules := DefaultSessionRules()
		change(&rules)
		require.ErrorContains(t, rules.Validate(), key+" must be", key)
	}
	for key, change := range map[string]func(*LockoutRules){
		"lockout.free_failures":   func(r *LockoutRules) { r.FreeFailures = -1 },
		"lockout.failures_per_ip": func(r *LockoutRules) { r.FailuresPerIP = 0 },
		"lockout.first":           func(r *LockoutRules) { r.First = time.Minute },
		"lockout.longest":         func(r *LockoutRules) { r.Longest = time.Hour },
		"lockout.reset_after":     func(r *LockoutRules) { r.ResetAfter = time.Second },
	} {
		rules := DefaultLockoutRules()
		change(&rules)
		require.ErrorContains(t, rules.Validate(), key+" must be", key)
	}
}
