package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/robfig/cron/v3"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/module"
)

const (
	scheduleInterval = 200 * time.Millisecond
	misfireAfter     = 30 * time.Second // a tick that is later than this was missed; earlier ones are caught up with one by one
	maxCatchUp       = 100              // ticks of one schedule in one round
)

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// plan is a schedule that a module has contributed.
type plan struct {
	job.Schedule
	when cron.Schedule
	spec string // what next_ms is reckoned from
}

// Scheduler asks for jobs at their times. What it knows of them is known once it is prepared: schedulers may enqueue jobs
// themselves, so the jobs must not wait for them.
type Scheduler struct {
	*Jobs
	plans map[string]*plan
	names []string // sorted
}

// NewScheduler refuses two schedules of one name, and those that could never fire.
func NewScheduler(j *Jobs, from []job.Scheduler) (*Scheduler, error) {
	s := &Scheduler{Jobs: j, plans: map[string]*plan{}}
	var errs []error
	for _, each := range from {
		for _, declared := range each.Schedules() {
			p, err := newPlan(declared)
			if _, twice := s.plans[p.Name]; twice {
				err = errors.Join(err, fmt.Errorf("two schedules are called %s", p.Name))
			}
			errs = append(errs, err)
			s.plans[p.Name] = p
			s.names = append(s.names, p.Name)
		}
	}
	slices.Sort(s.names)
	return s, errors.Join(errs...)
}

func provideScheduler(j *Jobs, s module.JobSchedulers) (*Scheduler, error) {
	return NewScheduler(j, s.All)
}

func newPlan(s job.Schedule) (*plan, error) {
	s.Misfire, s.Zone = cmp.Or(s.Misfire, job.Skip), cmp.Or(s.Zone, "UTC")
	p := &plan{Schedule: s, spec: s.Spec + " " + s.Zone}
	switch {
	case len(s.Name) > maxName || !kindName.MatchString(s.Name):
		return p, fmt.Errorf("the schedule %q is not called <module>.<order>", s.Name)
	case s.Args == nil:
		return p, fmt.Errorf("the schedule %s has no job", s.Name)
	case s.Misfire != job.Skip && s.Misfire != job.Once:
		return p, fmt.Errorf("the schedule %s has the misfire policy %q", s.Name, s.Misfire)
	case strings.Contains(s.Spec, "="):
		return p, fmt.Errorf("the schedule %s names its zone in the wrong place", s.Name)
	}
	if _, err := time.LoadLocation(s.Zone); err != nil {
		return p, fmt.Errorf("the schedule %s: %w", s.Name, err)
	}
	when, err := parser.Parse("CRON_TZ=" + s.Zone + " " + s.Spec)
	if err != nil {
		return p, fmt.Errorf("the schedule %s: %w", s.Name, err)
	}
	if when.Next(time.Now()).IsZero() {
		return p, fmt.Errorf("the schedule %s never fires", s.Name)
	}
	p.when = when
	return p, nil
}

// prepare checks that the jobs can be done. It is called when it is known who does what.
func (s *Scheduler) prepare() error {
	var errs []error
	for _, name := range s.names {
		p := s.plans[name]
		if _, err := s.order(context.Background(), p.Args, p.Options); err != nil {
			errs = append(errs, fmt.Errorf("the schedule %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// run fires until ctx ends. Only one replica runs it; two would fire each tick once all the same.
func (s *Scheduler) run(ctx context.Context) {
	if len(s.names) == 0 {
		return
	}
	failing := false
	for ctx.Err() == nil {
		err := s.round(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !failing {
			s.log.Warn("the schedules cannot be looked after for now", zap.Error(err))
		}
		failing = err != nil
		rest(ctx, scheduleInterval)
	}
}

func (s *Scheduler) round(ctx context.Context, now time.Time) error {
	kept, err := s.kept(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range s.names {
		p, k := s.plans[name], kept[name]
		switch {
		case k == nil:
			errs = append(errs, s.introduce(ctx, p, now))
		case k.paused:
		case k.spec != p.spec:
			errs = append(errs, s.reckon(ctx, p, k, now))
		default:
			errs = append(errs, s.catchUp(ctx, p, k, now))
		}
	}
	return errors.Join(errs...)
}

// catchUp fires every tick that is due. When the first of them was missed, all of them are left out or become one.
func (s *Scheduler) catchUp(ctx context.Context, p *plan, k *keptSchedule, now time.Time) error {
	for range maxCatchUp {
		if k.next.IsZero() || k.next.After(now) || ctx.Err() != nil {
			return nil
		}
		next := p.when.Next(k.next)
		if now.Sub(k.next) > misfireAfter {
			next = p.when.Next(now)
			if p.Misfire == job.Skip {
				s.log.Warn("ticks of a schedule were missed and are left out", zap.String("schedule", p.Name), zap.Time("first", k.next))
				_, err := s.move(ctx, p, k.next, next, k.last, k.lastJob)
				return err
			}
		}
		if err := s.fire(ctx, p, k.next, next); err != nil {
			return err
		}
		k.next = next
	}
	return nil
}

// fire asks for the job of a tick and moves on to the next, both or neither. The row says which tick is the next one: who
// finds another there is too late, so no tick is fired twice however many try.
func (s *Scheduler) fire(ctx context.Context, p *plan, tick, next time.Time) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		id, err := s.Enqueue(ctx, p.Args, p.Options...)
		if err != nil {
			return fmt.Errorf("fire %s: %w", p.Name, err)
		}
		moved, err := s.move(ctx, p, tick, next, tick, id.String())
		if err == nil && !moved {
			err = errFired
		}
		return err
	})
}

var errFired = errors.New("another replica has fired the tick")

func (s *Scheduler) move(ctx context.Context, p *plan, from, to, last time.Time, lastJob string) (bool, error) {
	n, err := exec(all(ctx), s.db, `UPDATE jobs_schedules SET next_ms = $1, last_ms = $2, last_job = $3, changed_ms = $4
WHERE id = $5 AND next_ms = $6 AND spec = $7 AND paused = $8`,
		msOf(to), msOf(last), lastJob, time.Now().UnixMilli(), p.Name, msOf(from), p.spec, false)
	if err != nil {
		return false, fmt.Errorf("move the schedule %s on: %w", p.Name, err)
	}
	return n == 1, nil
}

// keptSchedule is what the database knows of a schedule.
type keptSchedule struct {
	spec       string
	next, last time.Time
	lastJob    string
	paused     bool
}

func (s *Scheduler) kept(ctx context.Context) (map[string]*keptSchedule, error) {
	kept := map[string]*keptSchedule{}
	err := query(all(ctx), s.db, func(rows *entsql.Rows) error {
		var name string
		var next, last int64
		k := &keptSchedule{}
		err := rows.Scan(&name, &k.spec, &next, &last, &k.lastJob, &k.paused)
		k.next, k.last = at(next), at(last)
		kept[name] = k
		return err
	}, `SELECT id, spec, next_ms, last_ms, last_job, paused FROM jobs_schedules`)
	if err != nil {
		return nil, fmt.Errorf("look up the schedules: %w", err)
	}
	return kept, nil
}

// introduce makes the row of a schedule. Its first tick is the first one from now on.
func (s *Scheduler) introduce(ctx context.Context, p *plan, now time.Time) error {
	_, err := exec(all(ctx), s.db, `INSERT INTO jobs_schedules (id, spec, next_ms, last_ms, last_job, paused, changed_ms)
VALUES ($1, $2, $3, 0, '', $4, $5) ON CONFLICT DO NOTHING`, p.Name, p.spec, msOf(p.when.Next(now)), false, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("introduce the schedule %s: %w", p.Name, err)
	}
	return nil
}

// reckon finds the next tick of a schedule that has changed or was resumed. No tick comes twice by it.
func (s *Scheduler) reckon(ctx context.Context, p *plan, k *keptSchedule, now time.Time) error {
	from := now
	if k.last.After(from) {
		from = k.last
	}
	_, err := exec(all(ctx), s.db, `UPDATE jobs_schedules SET spec = $1, next_ms = $2, changed_ms = $3 WHERE id = $4 AND spec = $5 AND next_ms = $6`,
		p.spec, msOf(p.when.Next(from)), now.UnixMilli(), p.Name, k.spec, msOf(k.next))
	if err != nil {
		return fmt.Errorf("reckon the schedule %s: %w", p.Name, err)
	}
	return nil
}

// ask enqueues the job of a schedule.
func (s *Scheduler) ask(ctx context.Context, name string) (uuid.UUID, error) {
	p := s.plans[name]
	if p == nil {
		return uuid.Nil, job.ErrUnknownName
	}
	return s.Enqueue(ctx, p.Args, p.Options...)
}
