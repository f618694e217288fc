package jobs

import (
	"context"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/job"
)

const (
	refillAfter = 3 * time.Second // how long the carrier may have had a job before it can be believed to have lost it
	forgotten   = 24 * time.Hour  // after which the row of a silent replica is removed
)

// rescue takes the jobs of replicas that are gone away from them. An attempt that was killed counts.
func (k *keeper) rescue(ctx context.Context) error {
	silent := `owner NOT IN (SELECT id FROM jobs_replicas WHERE seen_ms > ` + nowMs(k.db) + ` - $1)`
	var lost []string
	err := query(ctx, k.db, func(rows *entsql.Rows) error {
		var owner string
		err := rows.Scan(&owner)
		lost = append(lost, owner)
		return err
	}, `SELECT DISTINCT owner FROM jobs_jobs WHERE state = 2 AND `+silent, k.cfg.LostAfter.Milliseconds())
	if err != nil {
		return fmt.Errorf("look for lost jobs: %w", err)
	}
	for _, owner := range lost {
		now := time.Now()
		n, err := exec(ctx, k.db, `UPDATE jobs_jobs SET state = CASE WHEN cancel THEN 5 WHEN attempt >= max_attempts THEN 4 ELSE 0 END,
expires_ms = CASE WHEN cancel OR attempt >= max_attempts THEN CAST($1 AS bigint) ELSE 0 END, error = $2, owner = '', token = '', cancel = $3,
dispatched_ms = 0, changed_ms = $4 WHERE state = 2 AND owner = $5 AND owner NOT IN (SELECT id FROM jobs_replicas WHERE seen_ms > `+nowMs(k.db)+` - $6)`,
			now.Add(k.cfg.Retention).UnixMilli(), lostReason, false, now.UnixMilli(), owner, k.cfg.LostAfter.Milliseconds())
		if err != nil {
			return fmt.Errorf("take the jobs of %s: %w", owner, err)
		}
		k.metrics.rescued(n)
		k.log.Warn("a replica is gone, its jobs are given to others", zap.String("replica", owner), zap.Int("jobs", n))
	}
	_, err = exec(ctx, k.db, `DELETE FROM jobs_replicas WHERE seen_ms < `+nowMs(k.db)+` - $1`, forgotten.Milliseconds())
	return err
}

// overdue gives up what was not begun by its deadline.
func (k *keeper) overdue(ctx context.Context) error {
	return k.batches("give up what is overdue", func() (int, error) {
		now := time.Now()
		return exec(ctx, k.db, `UPDATE jobs_jobs SET state = 4, error = $1, changed_ms = $2, expires_ms = $3 WHERE id IN (
SELECT id FROM jobs_jobs WHERE state IN (0, 7, 8) AND deadline_ms > 0 AND deadline_ms <= $2 LIMIT $4) AND state IN (0, 7, 8)`,
			reason(job.ErrDeadline), now.UnixMilli(), now.Add(k.cfg.Retention).UnixMilli(), keeperBatch)
	})
}

// refill hands to the carrier again what it must have lost: when more jobs of a queue have been handed to it than it
// says are waiting, the difference is dispatched once more, those first that it has had for the longest. A carrier with a
// long backlog has them all, so it gets nothing twice. What it brought while the queue was paused was refused, so it is
// missing as soon as the queue is resumed.
func (k *keeper) refill(ctx context.Context) error {
	type backlog struct {
		queue string
		count int
		first int64 // when the first one was dispatched
		until int64 // what was dispatched later may still be on its way
	}
	var long []backlog
	before := time.Now().Add(-refillAfter).UnixMilli()
	err := query(ctx, k.db, func(rows *entsql.Rows) error {
		var b backlog
		err := rows.Scan(&b.queue, &b.count, &b.first, &b.until)
		if b.until = max(b.until, before); b.first < b.until {
			long = append(long, b)
		}
		return err
	}, `SELECT queue, count(*), min(dispatched_ms), COALESCE((SELECT changed_ms FROM jobs_queues WHERE id = queue), 0)
FROM jobs_jobs WHERE state = 0 AND dispatched_ms > 0 AND `+unpaused+` GROUP BY queue`)
	if err != nil {
		return fmt.Errorf("count what was dispatched: %w", err)
	}
	for _, b := range long {
		waiting, err := k.carrier.Waiting(ctx, b.queue)
		if err != nil {
			return err
		}
		for missing := b.count - waiting; missing > 0; {
			n, err := k.hand(ctx, `SELECT id FROM jobs_jobs WHERE state = 0 AND queue = $2 AND dispatched_ms > 0 AND dispatched_ms < $3
ORDER BY dispatched_ms LIMIT $4`, b.queue, b.until, min(missing, keeperBatch))
			if err != nil {
				return fmt.Errorf("dispatch again what was lost: %w", err)
			}
			if n == 0 {
				break
			}
			k.metrics.refilled(n)
			missing -= n
		}
	}
	return nil
}
