package auth

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tenant"
)

// news counts what was heard about keys, so that what was remembered before can be told from what was remembered
// after. Keys share counters: a change of one has some others looked at again, and nobody can have all of them looked at
// by changing a key over and over.
type news struct {
	global atomic.Uint64
	total  atomic.Uint64
	shards [1024]atomic.Uint64
}

// heard is a moment in the news.
type heard struct {
	fresh                bool
	global, total, shard uint64
	time                 time.Time
}

func (n *news) shard(key uuid.UUID) *atomic.Uint64 {
	return &n.shards[(int(key[14])<<8|int(key[15]))%len(n.shards)] // the end of an id is random
}

// of hears about one key. When the feed may have missed some it is about all of them.
func (n *news) of(key string) {
	id, err := uuid.Parse(key)
	if err != nil {
		n.all()
		return
	}
	n.total.Add(1) // before the shard's: see since
	n.shard(id).Add(1)
}

func (n *news) all() { n.global.Add(1) }

// fresh is this moment. It comes before any look: news that arrive in between are then seen, or the feed counts as stale.
func (n *news) fresh(f Feed) heard {
	return heard{fresh: f.Fresh(), global: n.global.Load(), total: n.total.Load(), time: time.Now()}
}

// since is the moment at for one key, whose counter was not known yet at that time. Should anything have been heard
// meanwhile, it could have been about this key: then the moment counts as past.
func (n *news) since(at heard, key uuid.UUID) heard {
	at.shard = n.shard(key).Load()
	if n.total.Load() != at.total {
		at.shard--
	}
	return at
}

// current tells whether what was remembered at h.heard may be relied on at the moment now.
func (n *news) current(h *holder, now heard) bool {
	return now.fresh && h.heard.global == now.global && h.heard.shard == n.shard(h.caller.Key.ID).Load() &&
		now.time.Sub(h.heard.time) < confirmEvery
}

// strangers bounds how often the trail is told that a key was used from where it must not be.
var strangers = ratelimit.Limit{Name: "auth.key_address", Events: 6, Period: time.Minute}

const strangerTime = time.Second

// recordStranger puts on record that a key was used from an address that it does not allow: somebody else may have it.
func (m *Machines) recordStranger(ctx context.Context, h *holder) {
	if m.Limits.Allow(strangers, h.caller.Key.ID.String()) != nil {
		return
	}
	ctx = tenant.NewContext(auth.NewContext(context.WithoutCancel(ctx), &h.caller), h.caller.TenantID)
	ctx, cancel := context.WithTimeout(ctx, strangerTime)
	defer cancel()
	err := m.Trail.Record(ctx, audit.Entry{
		Action: "apikeys.key.use", Target: "apikeys.key:" + h.caller.Key.ID.String(), Outcome: audit.Denied,
	})
	if err != nil {
		m.Log.Error("a refused key could not be recorded", append(logger.Scope(ctx), zap.Error(fmt.Errorf("audit: %w", err)))...)
	}
}
