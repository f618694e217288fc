package quota

import "github.com/yourorg/platform/pkg/tenant"

// Settled waits for the refills that are under way.
func (q *Quotas) Settled() { q.flying.Wait() }

// Tenants are those whose requests are being counted.
func (q *Quotas) Tenants() int { return len(q.meters.each()) }

// Waiting are the requests of a tenant that wait for a refill.
func (q *Quotas) Waiting(id tenant.ID) int64 {
	m := q.meters.of(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waiting
}

// Refilling tells whether a refill is under way.
func (q *Quotas) Refilling(id tenant.ID) bool {
	m := q.meters.of(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.flight != nil
}
