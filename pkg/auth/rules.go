package auth

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// SessionRules bound the life of a session. They are part of the "auth" section, and identity keeps to them.
type SessionRules struct {
	// SessionIdle ends a session that has not been used for so long, to a few minutes.
	SessionIdle time.Duration `mapstructure:"session_idle"`
	// SessionAbsolute ends a session so long after its sign-in, however much it is used.
	SessionAbsolute time.Duration `mapstructure:"session_absolute"`
	// RefreshGrace is how long a used refresh token still returns the one that followed it, so that requests which cross
	// each other, or an answer that was lost, do not look like a theft. 0s has no grace.
	RefreshGrace time.Duration `mapstructure:"refresh_grace"`
}

// DefaultSessionRules ask for a sign-in every 90 days, and after 30 without any use.
func DefaultSessionRules() SessionRules {
	return SessionRules{SessionIdle: 720 * time.Hour, SessionAbsolute: 2160 * time.Hour, RefreshGrace: 10 * time.Second}
}

// Validate names every key that cannot work.
func (r SessionRules) Validate() error {
	var errs []error
	if r.SessionIdle < time.Minute {
		errs = append(errs, config.Invalid("session_idle", "must be at least 1m"))
	}
	if r.SessionAbsolute < time.Minute {
		errs = append(errs, config.Invalid("session_absolute", "must be at least 1m"))
	}
	if r.RefreshGrace < 0 || r.RefreshGrace > time.Minute {
		errs = append(errs, config.Invalid("refresh_grace", "must be between 0s and 1m"))
	}
	return errors.Join(errs...)
}

// LockoutRules slow down those who guess passwords. No lock lasts longer than Longest, whatever anybody does.
type LockoutRules struct {
	// FreeFailures is how many failed sign-ins to an account go without a lock.
	FreeFailures int `mapstructure:"free_failures"`
	// First is how long the account is locked after the first failure beyond that. Every further one doubles it.
	First time.Duration `mapstructure:"first"`
	// Longest is the longest lock.
	Longest time.Duration `mapstructure:"longest"`
	// ResetAfter forgets the failures of an account when there was none for so long. A sign-in forgets them at once.
	ResetAfter time.Duration `mapstructure:"reset_after"`
	// FailuresPerIP is how many failed sign-ins a minute one address may have, to any accounts: on all replicas together
	// with Redis, on each without.
	FailuresPerIP int `mapstructure:"failures_per_ip"`
}

// DefaultLockoutRules lock from the sixth failure on, for 1 s doubling to 30 s.
func DefaultLockoutRules() LockoutRules {
	return LockoutRules{
		FreeFailures: 5, First: time.Second, Longest: 30 * time.Second, ResetAfter: 15 * time.Minute, FailuresPerIP: 30,
	}
}

// Validate names every key that cannot work.
func (r LockoutRules) Validate() error {
	var errs []error
	within := func(key string, value, low, high int) {
		if value < low || value > high {
			errs = append(errs, config.Invalid(key, "must be between %d and %d", low, high))
		}
	}
	within("lockout.free_failures", r.FreeFailures, 0, 1_000_000_000)
	within("lockout.failures_per_ip", r.FailuresPerIP, 1, 1_000_000_000)
	if r.First < time.Millisecond || r.First > r.Longest {
		errs = append(errs, config.Invalid("lockout.first", "must be between 1ms and lockout.longest"))
	}
	if r.Longest > 5*time.Minute {
		errs = append(errs, config.Invalid("lockout.longest", "must be at most 5m: a stranger can cause it"))
	}
	if r.ResetAfter < r.Longest {
		errs = append(errs, config.Invalid("lockout.reset_after", "must be at least lockout.longest"))
	}
	return errors.Join(errs...)
}

// Lock is how long an account is locked after so many failures in a row.
func (r LockoutRules) Lock(failures int) time.Duration {
	beyond := failures - r.FreeFailures
	if beyond <= 0 {
		return 0
	}
	lock := r.First
	for ; beyond > 1 && lock < r.Longest; beyond-- {
		lock *= 2
	}
	return min(lock, r.Longest)
}
