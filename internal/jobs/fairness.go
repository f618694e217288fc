package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
)

const (
	windowFactor = 2  // how many jobs the carrier has for each worker
	maxTurns     = 64 // tenants in one round
	windowLeast  = 10 // and beyond that, so that a few workers do not wait for each other's end
)

// window keeps the carrier supplied with as many jobs as will soon be begun, chosen among the tenants in turn.
func (k *keeper) window(ctx context.Context) error {
	paused, err := k.paused(ctx)
	if err != nil {
		return err
	}
	replicas := 0
	if err := query(ctx, k.db, func(rows *entsql.Rows) error { return rows.Scan(&replicas) },
		`SELECT count(*) FROM jobs_replicas WHERE seen_ms > `+nowMs(k.db)+` - $1`, k.cfg.LostAfter.Milliseconds()); err != nil {
		return fmt.Errorf("count the replicas: %w", err)
	}
	busy := map[uuid.UUID]int{} // of each tenant, running or about to
	waiting := map[string]int{}
	for queue := range k.cfg.Queues {
		given := map[uuid.UUID]int{}
		if err := k.count(ctx, given, `SELECT tenant_id, count(*) FROM jobs_jobs WHERE state = 0 AND queue = $1 AND dispatched_ms > 0 GROUP BY tenant_id`, queue); err != nil {
			return err
		}
		for id, n := range given {
			busy[id] += n
			waiting[queue] += n
		}
	}
	if k.cfg.TenantConcurrency > 0 { // after those that are about to run: what is begun in between counts twice, not never
		if err := k.count(ctx, busy, `SELECT tenant_id, count(*) FROM jobs_jobs WHERE state = 2 GROUP BY tenant_id`); err != nil {
			return err
		}
	}
	for _, queue := range slices.Sorted(maps.Keys(k.cfg.Queues)) {
		room := windowFactor*k.cfg.Queues[queue]*max(1, replicas) + windowLeast - waiting[queue]
		if paused[queue] || room <= 0 {
			continue
		}
		if err := k.fill(ctx, queue, room, busy); err != nil {
			return fmt.Errorf("choose among the jobs of %s: %w", queue, err)
		}
	}
	k.turns.forget(time.Now())
	return nil
}

func (k *keeper) count(ctx context.Context, into map[uuid.UUID]int, statement string, args ...any) error {
	err := query(ctx, k.db, func(rows *entsql.Rows) error {
		var id uuid.UUID
		var n int
		err := rows.Scan(&id, &n)
		into[id] += n
		return err
	}, statement, args...)
	if err != nil {
		return fmt.Errorf("count the jobs of each tenant: %w", err)
	}
	return nil
}

// fill gives the carrier up to room jobs of a queue. What one tenant does not use of its share goes to the others.
func (k *keeper) fill(ctx context.Context, queue string, room int, busy map[uuid.UUID]int) error {
	for room > 0 {
		tenants, err := k.tenants(ctx, queue)
		if err != nil || len(tenants) == 0 {
			return err
		}
		progress, now := 0, time.Now()
		shares := k.turns.share(queue, tenants, room, busy, now)
		for _, id := range tenants {
			if shares[id] == 0 {
				continue
			}
			n, err := k.hand(ctx, `SELECT id FROM jobs_jobs WHERE state = 0 AND queue = $2 AND dispatched_ms = 0 AND tenant_id = $3
ORDER BY priority, id LIMIT $4`, queue, id, shares[id])
			if err != nil {
				return err
			}
			k.turns.took(queue, id, n, now)
			busy[id] += n
			progress += n
		}
		if k.turns.settle(queue, tenants); progress == 0 {
			return nil
		}
		room -= progress
	}
	return nil
}

// tenants lists who has jobs in a queue that the carrier has not got, those behind the last turn first, up to maxTurns. It
// jumps from one to the next in the index, however many jobs each has.
func (k *keeper) tenants(ctx context.Context, queue string) (found []uuid.UUID, err error) {
	const one = `SELECT tenant_id FROM jobs_jobs WHERE state = 0 AND queue = $1 AND dispatched_ms = 0 AND tenant_id `
	last, had := k.turns.last[queue]
	for _, from := range []struct {
		than string
		id   uuid.UUID
	}{{">", last}, {">=", uuid.Nil}} {
		if !had && from.than == ">" {
			continue
		}
		err := query(ctx, k.db, func(rows *entsql.Rows) error {
			var id uuid.UUID
			err := rows.Scan(&id)
			if !slices.Contains(found, id) && len(found) < maxTurns {
				found = append(found, id)
			}
			return err
		}, `WITH RECURSIVE t(id) AS (SELECT (`+one+from.than+` $2 ORDER BY tenant_id LIMIT 1) UNION ALL
SELECT (`+one+`> t.id ORDER BY tenant_id LIMIT 1) FROM t WHERE t.id IS NOT NULL) SELECT id FROM t WHERE id IS NOT NULL LIMIT $3`, queue, from.id, maxTurns)
		if err != nil {
			return nil, fmt.Errorf("look for tenants with jobs: %w", err)
		}
	}
	return found, nil
}
