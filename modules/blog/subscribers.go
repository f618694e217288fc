package blog

import (
	"context"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/job"
)

// indexer has the words of a post found once it is public.
type indexer struct{ jobs job.Enqueuer }

func newIndexer(jobs job.Enqueuer) *indexer { return &indexer{jobs: jobs} }

func (i *indexer) Name() string { return "blog.indexer" }

func (i *indexer) Subscriptions() []event.Subscription {
	return []event.Subscription{event.On(i.published)}
}

// published runs in the transaction that marks the event as handled, so there is one job for each event.
func (i *indexer) published(ctx context.Context, p blogapi.PostPublished) error {
	_, err := i.jobs.Enqueue(ctx, indexPost{Post: p.PostID})
	return err
}

// announcer tells those who follow the blog of new posts. It is a subscriber of its own: when it fails, posts are found
// all the same.
type announcer struct{ jobs job.Enqueuer }

func newAnnouncer(jobs job.Enqueuer) *announcer { return &announcer{jobs: jobs} }

func (a *announcer) Name() string { return "blog.announcer" }

func (a *announcer) Subscriptions() []event.Subscription {
	return []event.Subscription{event.On(a.published)}
}

func (a *announcer) published(ctx context.Context, p blogapi.PostPublished) error {
	_, err := a.jobs.Enqueue(ctx, tellFollowers{Post: p.PostID, Title: p.Title, Slug: p.Slug, Author: p.AuthorID})
	return err
}
