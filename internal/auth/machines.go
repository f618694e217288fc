package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tenant"
)

// keyFailures bounds how often one address may make the database look for a key that turns out not to be good. Keys
// that are remembered are not counted.
var keyFailures = ratelimit.Limit{Name: "auth.key", Events: 60, Period: time.Minute}

// Machines tells whether an API key is good, and whether a token may still be used that was issued for one. What was
// good is remembered as tokens are; each use still checks that nothing was heard against it, and where it comes from.
type Machines struct {
	MachineDeps
	news news

	// Two steps, because a token names a secret and a key spells it.
	spelled *otter.Cache[[sha256.Size]byte, uuid.UUID]
	known   *otter.Cache[uuid.UUID, *holder]
}

// MachineDeps is what Machines works with.
type MachineDeps struct {
	Keys       auth.Keys // nil when no module keeps keys: then none is good
	Principals auth.Principals
	Feed       Feed
	Limits     ratelimit.Limiter
	Trail      audit.Recorder
	Missed     prometheus.Counter // nil counts nothing
	Log        *zap.Logger
}

// holder is who acts by a secret that was good.
type holder struct {
	caller   auth.Caller // ExpiresAt is zero when the secret never expires
	networks []netip.Prefix
	heard    heard
}

// NewMachines subscribes to the feed, so it must run before the feed starts. Close ends what it begins.
func NewMachines(size int, d MachineDeps) (*Machines, error) {
	spelled, err := otter.New(&otter.Options[[sha256.Size]byte, uuid.UUID]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("make the cache of keys: %w", err)
	}
	known, err := otter.New(&otter.Options[uuid.UUID, *holder]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("make the cache of keys: %w", err)
	}
	m := &Machines{MachineDeps: d, spelled: spelled, known: known}
	d.Feed.Subscribe(TopicKey, m.news.of)
	d.Feed.Subscribe(TopicTenant, func(string) { m.news.all() })
	d.Feed.Subscribe(TopicUser, func(string) { m.news.all() })
	return m, nil
}

// Close stops the upkeep of the caches.
func (m *Machines) Close() {
	m.spelled.StopAllGoroutines()
	m.known.StopAllGoroutines()
}

// verify returns the caller of an API key. The Caller is shared.
func (m *Machines) verify(ctx context.Context, text string) (*auth.Caller, error) {
	key, ok := auth.ParseKey(text)
	if !ok {
		return nil, ErrKeyMalformed
	}
	hash := key.Hash()
	if secret, spelled := m.spelled.GetIfPresent(hash); spelled {
		h, err := m.holder(ctx, secret)
		if errors.Is(err, ErrKeyInvalid) {
			m.spelled.Invalidate(hash) // so that the next attempt is counted
		}
		if err != nil {
			return nil, err
		}
		return &h.caller, nil
	}
	fresh := m.news.fresh(m.Feed)
	h, err := m.ask(ctx, fresh, false, func() ([]auth.KeyRecord, error) {
		records, err := m.Keys.ByPrefix(ctx, key.Prefix())
		return matching(records, hash), err
	})
	if err != nil {
		return nil, err
	}
	m.spelled.Set(hash, h.caller.Key.SecretID)
	return &h.caller, nil
}

// matching keeps the secret that has the hash. Comparing takes as long whatever differs.
func matching(records []auth.KeyRecord, hash [sha256.Size]byte) []auth.KeyRecord {
	var good []auth.KeyRecord
	for _, r := range records {
		if subtle.ConstantTimeCompare(r.Hash, hash[:]) == 1 {
			good = append(good, r)
		}
	}
	return good
}

// holder returns who acts by a secret.
func (m *Machines) holder(ctx context.Context, secret uuid.UUID) (*holder, error) {
	at := m.news.fresh(m.Feed)
	h, known := m.known.GetIfPresent(secret)
	if known && m.news.current(h, at) {
		return h, m.usable(ctx, h, at.time)
	}
	return m.ask(ctx, at, known, func() ([]auth.KeyRecord, error) { return m.Keys.BySecret(ctx, secret) })
}

// ask looks a secret up and remembers who acts by it. Strangers may do that so often only.
func (m *Machines) ask(ctx context.Context, at heard, known bool, find func() ([]auth.KeyRecord, error)) (*holder, error) {
	if m.Keys == nil {
		return nil, ErrKeyInvalid
	}
	if m.Missed != nil {
		m.Missed.Inc()
	}
	ip := address(ctx)
	if !known {
		if err := m.Limits.Allow(keyFailures, ratelimit.Source(ip)); err != nil {
			return nil, err
		}
	}
	h, err := m.find(ctx, at, find)
	failed := errors.Is(err, ErrKeyInvalid) || errors.Is(err, ErrKeyExpired)
	if !known && !failed {
		m.Limits.Undo(keyFailures, ratelimit.Source(ip))
	}
	if err != nil {
		return nil, err
	}
	m.known.Set(h.caller.Key.SecretID, h)
	if err := m.usable(ctx, h, at.time); err != nil {
		return nil, err
	}
	m.Keys.Used(h.caller.Key.ID, ip)
	return h, nil
}

func (m *Machines) find(ctx context.Context, at heard, find func() ([]auth.KeyRecord, error)) (*holder, error) {
	records, err := find()
	if err != nil {
		return nil, ErrUnavailable.Wrap(fmt.Errorf("look up the key: %w", err)).After(time.Second)
	}
	if len(records) == 0 {
		return nil, ErrKeyInvalid
	}
	r := records[0]
	if err := m.standing(ctx, r); err != nil {
		m.known.Invalidate(r.SecretID)
		return nil, err
	}
	h := &holder{
		caller: auth.Caller{
			UserID: r.ID, TenantID: r.TenantID, ExpiresAt: r.ExpiresAt,
			Key: auth.NewKey(r.ID, r.SecretID, r.UserID != uuid.Nil, r.Permissions...),
		},
		networks: r.Networks,
		heard:    m.news.since(at, r.ID),
	}
	if h.caller.Key.Personal {
		h.caller.UserID = r.UserID
	}
	return h, nil
}

// standing tells whether the key's tenant, and the user of a personal one, may act.
func (m *Machines) standing(ctx context.Context, r auth.KeyRecord) error {
	var standing auth.Standing
	var member uuid.UUID
	var err error
	if r.UserID == uuid.Nil {
		standing, err = m.Principals.TenantStanding(ctx, r.TenantID)
	} else {
		standing, member, err = m.Principals.MemberStanding(ctx, r.TenantID, r.UserID)
	}
	switch {
	case err != nil:
		return ErrUnavailable.Wrap(fmt.Errorf("look up whose key it is: %w", err)).After(time.Second)
	case r.UserID != uuid.Nil && member != r.MemberID:
		return ErrKeyInvalid
	case standing == auth.SessionActive:
		return nil
	case standing == auth.SessionSuspended:
		return tenant.ErrSuspended
	}
	return ErrKeyInvalid
}

// usable holds a use against what is known of the key.
func (m *Machines) usable(ctx context.Context, h *holder, now time.Time) error {
	if !h.caller.ExpiresAt.IsZero() && !now.Before(h.caller.ExpiresAt) {
		return ErrKeyExpired
	}
	if len(h.networks) == 0 {
		return nil
	}
	if from, err := netip.ParseAddr(address(ctx)); err == nil {
		from = from.Unmap().WithZone("")
		for _, n := range h.networks {
			if n.Contains(from) {
				return nil
			}
		}
	}
	m.recordStranger(ctx, h)
	return ErrIPForbidden
}

// address is that of the client, as the connection has it.
func address(ctx context.Context) string {
	if r := logger.FromContext(ctx); r != nil {
		return r.IP
	}
	return ""
}
