package blog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tenant"
)

// makeDigests asks for the digest of every tenant that published something yesterday, a page of tenants after the other.
type makeDigests struct {
	Day   time.Time `json:"day"`   // midnight, UTC; zero for the day before the job was asked for
	After uuid.UUID `json:"after"` // the last tenant of the page before
}

func (makeDigests) Kind() string { return "blog.make_digests" }
func (makeDigests) Version() int { return 1 }

// makeDigest sends the titles of what a tenant has published on one day to those who follow its blog.
type makeDigest struct {
	Day   time.Time `json:"day"`   // midnight, UTC
	After uuid.UUID `json:"after"` // the last follower who has it
}

func (makeDigest) Kind() string { return "blog.make_digest" }
func (makeDigest) Version() int { return 1 }

const (
	day           = 24 * time.Hour
	titlesAtMost  = 50
	tenantsPerJob = 200 // keeps the transaction short
)

// Schedules implements job.Scheduler. A night on which nobody was there is made up for on the day after it.
func (w *worker) Schedules() []job.Schedule {
	return []job.Schedule{{Name: "blog.nightly_digest", Spec: w.cfg.Digest, Misfire: job.Once, Args: makeDigests{}}}
}

// makeDigests gives each tenant a job of its own, so that one which fails holds up no other.
func (w *worker) makeDigests(ctx context.Context, a makeDigests) error {
	if a.Day.IsZero() {
		j, _ := job.FromContext(ctx) // not the time of this attempt, which may be the next day
		a.Day = j.Created.UTC().Truncate(day).Add(-day)
	}
	return w.tx.InTx(ctx, func(ctx context.Context) error {
		tenants, err := w.posts.tenantsWithNews(tenant.System(ctx, "nightly digest"), a.Day, a.Day.Add(day), a.After, tenantsPerJob)
		if err != nil {
			return err
		}
		for _, id := range tenants {
			_, err := w.jobs.Enqueue(tenant.NewContext(ctx, id), makeDigest{Day: a.Day}, job.Unique(a.Day.Format(time.DateOnly), 2*day))
			if err != nil {
				return err
			}
		}
		if len(tenants) == tenantsPerJob {
			a.After = tenants[len(tenants)-1]
			if _, err := w.jobs.Enqueue(ctx, a); err != nil {
				return err
			}
		}
		return job.Complete(ctx, map[string]int{"tenants": len(tenants)})
	})
}

func (w *worker) makeDigest(ctx context.Context, a makeDigest) error {
	return w.tx.InTx(ctx, func(ctx context.Context) error {
		titles, err := w.posts.titles(ctx, a.Day, a.Day.Add(day), titlesAtMost)
		if err != nil {
			return err
		}
		users, err := w.followers.after(ctx, a.After, followersPerJob)
		if err != nil {
			return err
		}
		for _, user := range users {
			if err := w.tell(ctx, user, nil, "blog.digest", map[string]any{"day": a.Day.Format(time.DateOnly), "titles": titles}); err != nil {
				return err
			}
		}
		if len(users) == followersPerJob {
			a.After = users[len(users)-1]
			if _, err := w.jobs.Enqueue(ctx, a); err != nil {
				return err
			}
		}
		return job.Complete(ctx, map[string]int{"posts": len(titles), "followers": len(users)})
	})
}
