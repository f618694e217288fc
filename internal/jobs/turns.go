package jobs

import (
	"math"
	"time"

	"github.com/google/uuid"
)

// turns decides how many jobs of each tenant go next.
type turns struct {
	cfg     Config
	weights map[uuid.UUID]int
	passed  map[string]map[uuid.UUID]float64 // how much of each queue each tenant has had, by its weight
	reached map[string]float64               // how much whoever had the last turn in a queue has had
	last    map[string]uuid.UUID             // and who that was
	buckets map[uuid.UUID]*bucket
}

// bucket is what a tenant may still begin: it fills with time, up to a second's worth.
type bucket struct {
	left float64
	at   time.Time
}

func newTurns(cfg Config) *turns {
	t := &turns{
		cfg: cfg, weights: map[uuid.UUID]int{}, buckets: map[uuid.UUID]*bucket{},
		passed: map[string]map[uuid.UUID]float64{}, reached: map[string]float64{}, last: map[string]uuid.UUID{},
	}
	for id, weight := range cfg.TenantWeights {
		t.weights[uuid.MustParse(id)] = weight // checked by Validate
	}
	return t
}

func (t *turns) weight(id uuid.UUID) int { return max(1, t.weights[id]) }

// may is how many jobs of a tenant can be begun now, when so many are under way. The platform's own have no limit.
func (t *turns) may(id uuid.UUID, busy int, now time.Time) int {
	n := maxInsert
	if id == uuid.Nil {
		return n
	}
	if t.cfg.TenantConcurrency > 0 {
		n = min(n, t.cfg.TenantConcurrency-busy)
	}
	if t.cfg.TenantRate > 0 {
		n = min(n, int(t.bucket(id, now).left))
	}
	return max(0, n)
}

func (t *turns) bucket(id uuid.UUID, now time.Time) *bucket {
	rate := float64(t.cfg.TenantRate)
	b := t.buckets[id]
	if b == nil {
		b = &bucket{left: rate, at: now}
		t.buckets[id] = b
	}
	b.left, b.at = min(rate, b.left+rate*now.Sub(b.at).Seconds()), now
	return b
}

// share divides room among tenants, one job after the other to whoever has had the least for their weight, and none to
// those who have had all that they may.
func (t *turns) share(queue string, tenants []uuid.UUID, room int, busy map[uuid.UUID]int, now time.Time) map[uuid.UUID]int {
	passed, may, shares := map[uuid.UUID]float64{}, map[uuid.UUID]int{}, map[uuid.UUID]int{}
	for _, id := range tenants {
		passed[id] = max(t.passed[queue][id], t.reached[queue]) // who was away has saved nothing up
		may[id] = t.may(id, busy[id], now)
	}
	for range room {
		var next uuid.UUID
		found := false
		for _, id := range tenants {
			if shares[id] < may[id] && (!found || passed[id] < passed[next]) {
				next, found = id, true
			}
		}
		if !found {
			break
		}
		shares[next]++
		passed[next] += 1 / float64(t.weight(next))
	}
	return shares
}

// took notes that so many jobs of a tenant were chosen.
func (t *turns) took(queue string, id uuid.UUID, n int, now time.Time) {
	if n == 0 {
		return
	}
	if t.passed[queue] == nil {
		t.passed[queue] = map[uuid.UUID]float64{}
	}
	from := max(t.passed[queue][id], t.reached[queue])
	t.passed[queue][id] = from + float64(n)/float64(t.weight(id))
	t.last[queue] = id
	if t.cfg.TenantRate > 0 && id != uuid.Nil {
		t.bucket(id, now).left -= float64(n)
	}
}

// settle moves a queue on once all these tenants had their turn: the least that one of them has had is where whoever comes
// new begins.
func (t *turns) settle(queue string, tenants []uuid.UUID) {
	least := math.Inf(1)
	for _, id := range tenants {
		least = min(least, max(t.passed[queue][id], t.reached[queue]))
	}
	t.reached[queue] = least
	for id, had := range t.passed[queue] {
		if had <= t.reached[queue] {
			delete(t.passed[queue], id)
		}
	}
}

// forget drops the buckets that are full again.
func (t *turns) forget(now time.Time) {
	for id, b := range t.buckets {
		if now.Sub(b.at) > time.Minute {
			delete(t.buckets, id)
		}
	}
}
