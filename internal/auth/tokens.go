// Package auth issues access tokens and tells whether one is good.
package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// The topics of the change feed that make cached tokens doubtful. The key is the id.
const (
	TopicSession = "auth.session" // the session has ended
	TopicTenant  = "auth.tenant"  // who may act in the tenant has changed
	TopicUser    = "auth.user"    // where the user may act has changed
	TopicKey     = "auth.key"     // the API key was changed or deleted
)

// confirmEvery is how long a session is taken for alive without looking: what ends by itself, such as one that was idle
// for too long, is announced by nobody.
const confirmEvery = time.Minute

// Feed is what is needed of the change feed.
type Feed interface {
	Announce(ctx context.Context, topic, key string) error
	Subscribe(topic string, fn func(key string))
	Fresh() bool
}

// Tokens issues and checks access tokens. A signature is expensive to check, so tokens that were good are remembered
// until they expire; each use still checks that nothing has been heard against them.
type Tokens struct {
	cfg      Config
	keys     *Keys
	sessions auth.Sessions
	feed     Feed
	parser   *jwt.Parser
	cache    *otter.Cache[[sha256.Size]byte, *verified]
	revoked  *revocations
	machines *Machines
	missed   prometheus.Counter
	epoch    atomic.Uint64 // sessions checked under an earlier one are checked again
}

// verified is a token that was good.
type verified struct {
	caller auth.Caller
	epoch  uint64    // when the check of its session began
	since  time.Time // the same, by the clock
}

var (
	_ auth.Authenticator = (*Tokens)(nil)
	_ auth.Revoker       = (*Tokens)(nil)
)

// New subscribes to feed, so it must run before the feed starts. Close ends what it begins.
func New(cfg Config, keys *Keys, sessions auth.Sessions, feed Feed, machines *Machines) (*Tokens, error) {
	cache, err := otter.New(&otter.Options[[sha256.Size]byte, *verified]{
		MaximumSize: cfg.CacheSize,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[[sha256.Size]byte, *verified]) time.Duration {
			return max(time.Until(e.Value.caller.ExpiresAt.Add(cfg.ClockSkew)), 1)
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache of tokens: %w", err)
	}
	t := &Tokens{
		cfg: cfg, keys: keys, sessions: sessions, feed: feed, parser: newParser(cfg), cache: cache, machines: machines,
		missed: prometheus.NewCounter(prometheus.CounterOpts{}), // nobody collects it, until provide says where
		// A token of the session was issued before the session ended, by a clock that may be ahead.
		revoked: newRevocations(cfg.AccessTTL+2*cfg.ClockSkew, cfg.CacheSize),
	}
	feed.Subscribe(TopicSession, t.ended)
	feed.Subscribe(TopicTenant, func(string) { t.doubt() })
	feed.Subscribe(TopicUser, func(string) { t.doubt() })
	return t, nil
}

// countMisses counts the tokens that were not in the cache from now on.
func (t *Tokens) countMisses(c prometheus.Counter) {
	if t != nil {
		t.missed = c
	}
}

// Close stops the upkeep of the cache.
func (t *Tokens) Close() { t.cache.StopAllGoroutines() }

// Verify implements auth.Authenticator. The Caller is shared by all who send the token.
func (t *Tokens) Verify(ctx context.Context, token string) (*auth.Caller, error) {
	if strings.HasPrefix(token, auth.KeyScheme) {
		return t.machines.verify(ctx, token)
	}
	if len(token) > maxToken {
		return nil, ErrTokenMalformed.Wrap(fmt.Errorf("it is %d bytes long", len(token)))
	}
	// Ask before looking: news that arrives in between is then seen below, or the feed counts as stale.
	fresh := t.feed.Fresh()
	epoch := t.epoch.Load()
	var buf [1024]byte // keeps the usual token off the heap
	sum := sha256.Sum256(append(buf[:0], token...))
	now := time.Now()
	v, known := t.cache.GetIfPresent(sum)
	if !known {
		t.missed.Inc()
		caller, err := t.parse(ctx, token)
		if err != nil {
			return nil, err
		}
		if caller.Key != nil {
			return t.lend(ctx, sum, caller)
		}
		return t.admit(ctx, sum, &verified{caller: *caller, epoch: epoch, since: now})
	}
	if !now.Before(v.caller.ExpiresAt.Add(t.cfg.ClockSkew)) {
		return nil, ErrTokenExpired
	}
	if v.caller.Key != nil {
		if err := t.backed(ctx, &v.caller); err != nil {
			return nil, err
		}
		return &v.caller, nil
	}
	if t.revoked.has(v.caller.SessionID) {
		return nil, ErrTokenRevoked
	}
	if !fresh || v.epoch != epoch || now.Sub(v.since) >= confirmEvery {
		return t.admit(ctx, sum, &verified{caller: v.caller, epoch: epoch, since: now})
	}
	return &v.caller, nil
}

// admit remembers a token whose session is active.
func (t *Tokens) admit(ctx context.Context, sum [sha256.Size]byte, v *verified) (*auth.Caller, error) {
	standing, err := t.standing(ctx, v.caller.SessionID)
	if err != nil {
		return nil, err
	}
	v.caller.NeedsFactor = standing == auth.SessionNeedsFactor
	t.cache.Set(sum, v)
	// The session may have ended since it was checked. What is heard from here on is seen by the next use.
	if t.revoked.has(v.caller.SessionID) {
		t.cache.Invalidate(sum)
		return nil, ErrTokenRevoked
	}
	t.sessions.Seen(v.caller.SessionID)
	return &v.caller, nil
}

// standing is an error unless the session can be used, for however little.
func (t *Tokens) standing(ctx context.Context, session uuid.UUID) (auth.Standing, error) {
	standing, err := t.sessions.Standing(ctx, session)
	if err != nil {
		return standing, ErrUnavailable.Wrap(fmt.Errorf("look up the session: %w", err)).After(time.Second)
	}
	switch standing {
	case auth.SessionActive, auth.SessionNeedsFactor:
		return standing, nil
	case auth.SessionSuspended:
		return standing, tenant.ErrSuspended
	default:
		return standing, ErrTokenRevoked
	}
}

// RevokeSession implements auth.Revoker.
func (t *Tokens) RevokeSession(ctx context.Context, session uuid.UUID) error {
	if session == uuid.Nil {
		return errors.New("revoke a session: the session must be given")
	}
	return t.feed.Announce(ctx, TopicSession, session.String())
}

// RecheckTenant implements auth.Revoker.
func (t *Tokens) RecheckTenant(ctx context.Context, id uuid.UUID) error {
	if id == uuid.Nil {
		return errors.New("recheck a tenant: the tenant must be given")
	}
	return t.feed.Announce(ctx, TopicTenant, id.String())
}

// ended hears of a session that has ended. When the feed may have missed some, or there are more than can be remembered,
// every token is checked against its session again.
func (t *Tokens) ended(key string) {
	session, err := uuid.Parse(key)
	if err != nil {
		t.doubt()
		return
	}
	t.revoked.add(session, time.Now(), t.doubt)
}

// doubt has every token's session checked again, also that of a token which is being verified at this moment: it will
// be remembered under the old epoch.
func (t *Tokens) doubt() { t.epoch.Add(1) }
