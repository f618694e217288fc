package settings

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// Topic is what changed choices are announced under. The key is <tenant>/<user>.
const Topic = "settings.scope"

// loadTimeout limits how long a first use waits for what somebody has chosen.
const loadTimeout = 5 * time.Second

var errUnavailable = problem.New(problem.Unavailable, "settings.unavailable", "The settings cannot be read now")

// find returns what somebody has chosen: from memory, unless the feed is not to be relied on.
func (r *Registry) find(ctx context.Context, id scopeID) (*scope, error) {
	fresh := r.feed.Fresh()
	s, generation := r.cache.get(id)
	if s != nil && fresh {
		return s, nil
	}
	r.missed.Inc()
	return r.load(ctx, id, generation)
}

// load reads once for all who wait. Its key has the generation, so that nobody who comes after a change shares a read
// that began before it.
func (r *Registry) load(ctx context.Context, id scopeID, generation uint64) (*scope, error) {
	key := string(binary.LittleEndian.AppendUint64(append(id.tenant[:], id.user[:]...), generation))
	flight := r.flights.DoChan(key, func() (any, error) {
		// Not the caller's context: one who gives up must not fail the others, and what an open transaction sees
		// must not be kept.
		ctx, cancel := context.WithTimeout(tenant.NewContext(context.Background(), id.tenant), loadTimeout)
		defer cancel()
		s, err := r.read(ctx, id)
		if err != nil && ctx.Err() != nil {
			return nil, errUnavailable.Wrap(err)
		}
		if err != nil {
			return nil, fmt.Errorf("read the settings of %s: %w", id, err)
		}
		r.cache.put(s, generation)
		return s, nil
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*scope), nil
	}
}

// changed handles what was announced under Topic. A key that names nobody means that announcements may have been
// missed.
func (r *Registry) changed(key string) {
	t, u, _ := strings.Cut(key, "/")
	id, err := uuid.Parse(t)
	user, failed := uuid.Parse(u)
	if err != nil || failed != nil {
		r.cache.forgetAll()
		return
	}
	r.cache.forget(scopeID{tenant: id, user: user})
}
