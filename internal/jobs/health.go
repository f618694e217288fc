package jobs

import (
	"context"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/health"
)

var _ health.Optional = (*Jobs)(nil)

// backlogOf is what is not done of one queue in one state.
type backlogOf struct {
	queue string
	state int
	count int
	since time.Time // when the oldest came into the state
}

func (j *Jobs) backlog(ctx context.Context) (list []backlogOf, err error) {
	err = query(all(ctx), j.db, func(rows *entsql.Rows) error {
		var b backlogOf
		var ms int64
		err := rows.Scan(&b.queue, &b.state, &b.count, &ms)
		b.since = time.UnixMilli(ms).UTC()
		list = append(list, b)
		return err
	}, `SELECT queue, state, count(*), min(changed_ms) FROM jobs_jobs WHERE state NOT IN (5, 6) GROUP BY queue, state ORDER BY queue, state`)
	if err != nil {
		return nil, fmt.Errorf("count the backlog of jobs: %w", err)
	}
	return list, nil
}

// Name is the name of the health check.
func (*Jobs) Name() string { return "jobs" }

// Optional implements health.Optional.
func (*Jobs) Optional() {}

// Check is degraded while jobs wait for too long: requests are answered all the same.
func (j *Jobs) Check(ctx context.Context) (health.Status, error) {
	paused, err := j.paused(ctx)
	if err != nil {
		return health.Degraded, err
	}
	backlog, err := j.backlog(ctx)
	if err != nil {
		return health.Degraded, err
	}
	for _, b := range backlog {
		if age := time.Since(b.since); b.state == queued && !paused[b.queue] && age > j.cfg.LagWarning {
			return health.Degraded, fmt.Errorf("%d jobs wait in the queue %s, the oldest for %s", b.count, b.queue, age.Round(time.Second))
		}
	}
	return health.Healthy, nil
}

// paused lists the queues that somebody has paused.
func (j *Jobs) paused(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	err := query(all(ctx), j.db, func(rows *entsql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names[name] = true
		return err
	}, `SELECT id FROM jobs_queues WHERE paused`)
	if err != nil {
		return nil, fmt.Errorf("look up the paused queues: %w", err)
	}
	return names, nil
}
