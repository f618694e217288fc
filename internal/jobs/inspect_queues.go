package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

const recently = time.Minute

// Queues implements job.Inspector.
func (i *Inspector) Queues(ctx context.Context) ([]job.QueueStatus, error) {
	paused, err := i.jobs.paused(ctx)
	if err != nil {
		return nil, err
	}
	backlog, err := i.jobs.backlog(ctx)
	if err != nil {
		return nil, err
	}
	list := map[string]*job.QueueStatus{}
	status := func(name string) *job.QueueStatus {
		if list[name] == nil {
			list[name] = &job.QueueStatus{Name: name, Workers: i.jobs.cfg.Queues[name], Paused: paused[name]}
		}
		return list[name]
	}
	for name := range i.jobs.cfg.Queues {
		status(name)
	}
	for _, b := range backlog { // a queue that is no longer listed may still have jobs
		s := status(b.queue)
		switch b.state {
		case queued:
			s.Queued, s.Oldest = b.count, b.since
		case scheduled:
			s.Scheduled = b.count
		case running:
			s.Running = b.count
		case retrying:
			s.Retrying = b.count
		case failed:
			s.Failed = b.count
		}
	}
	// What was completed lately expires last, which there is an index for.
	err = query(all(ctx), i.jobs.db, func(rows *entsql.Rows) error {
		var name string
		var n int
		var waited float64
		err := rows.Scan(&name, &n, &waited)
		s := status(name)
		s.Throughput, s.Latency = float64(n)/recently.Seconds(), time.Duration(max(0, waited)*float64(time.Millisecond))
		return err
	}, `SELECT queue, count(*), CAST(avg(begun_ms - due_ms) AS double precision) FROM jobs_jobs WHERE state = 6 AND expires_ms > $1 GROUP BY queue`,
		time.Now().Add(i.jobs.cfg.Retention-recently).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count what was completed: %w", err)
	}
	statuses := make([]job.QueueStatus, 0, len(list))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		statuses = append(statuses, *list[name])
	}
	return statuses, nil
}

// PauseQueue implements job.Inspector. The row is what every claim looks at.
func (i *Inspector) PauseQueue(ctx context.Context, name string, paused bool) error {
	if _, known := i.jobs.cfg.Queues[name]; !known {
		return job.ErrUnknownName
	}
	return i.jobs.db.InTx(ctx, func(ctx context.Context) error {
		_, err := exec(all(ctx), i.jobs.db, `INSERT INTO jobs_queues (id, paused, changed_ms) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET paused = excluded.paused, changed_ms = excluded.changed_ms`, name, paused, time.Now().UnixMilli())
		if err != nil {
			return fmt.Errorf("pause or resume the queue %s: %w", name, err)
		}
		tx.AfterCommit(ctx, func(context.Context) { i.jobs.signal.raise() })
		return nil
	})
}

// Schedules implements job.Inspector.
func (i *Inspector) Schedules(ctx context.Context) ([]job.ScheduleStatus, error) {
	kept, err := i.schedules.kept(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]job.ScheduleStatus, len(i.schedules.names))
	for n, name := range i.schedules.names {
		p := i.schedules.plans[name]
		list[n] = job.ScheduleStatus{Name: name, Spec: p.Spec, Zone: p.Zone, Misfire: p.Misfire, Kind: p.Args.Kind()}
		if k := kept[name]; k != nil {
			list[n].Paused, list[n].Last = k.paused, k.last
			list[n].LastJob, _ = uuid.Parse(k.lastJob)
			if !k.paused && k.spec == p.spec {
				list[n].Next = k.next
			}
		}
	}
	return list, nil
}

// PauseSchedule implements job.Inspector. A schedule that is resumed forgets what it is reckoned from, so that its next
// tick is reckoned anew.
func (i *Inspector) PauseSchedule(ctx context.Context, name string, paused bool) error {
	if i.schedules.plans[name] == nil {
		return job.ErrUnknownName
	}
	_, err := exec(all(ctx), i.jobs.db, `INSERT INTO jobs_schedules (id, spec, next_ms, last_ms, last_job, paused, changed_ms) VALUES ($1, '', 0, 0, '', $2, $3)
ON CONFLICT (id) DO UPDATE SET spec = CASE WHEN jobs_schedules.paused = excluded.paused THEN jobs_schedules.spec ELSE '' END,
paused = excluded.paused, changed_ms = excluded.changed_ms`, name, paused, time.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("pause or resume the schedule %s: %w", name, err)
	}
	return nil
}

// RunSchedule implements job.Inspector.
func (i *Inspector) RunSchedule(ctx context.Context, name string) (uuid.UUID, error) {
	return i.schedules.ask(ctx, name)
}
