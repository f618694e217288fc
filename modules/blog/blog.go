package blog

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tx"
	"github.com/yourorg/platform/pkg/web"
)

// blog is what the module can do, whoever asks.
type blog struct {
	cfg   Config
	tx    tx.Runner
	posts *store
	index *index
	authz authz.Authorizer
	now   func() time.Time

	events event.Publisher
	jobs   job.Enqueuer
	quotas quota.Quotas
}

func newBlog(cfg Config, run tx.Runner, posts *store, i *index, access authz.Authorizer, events event.Publisher, jobs job.Enqueuer, quotas quota.Quotas) *blog {
	return &blog{
		cfg: cfg, tx: run, posts: posts, index: i, authz: access, events: events, jobs: jobs, quotas: quotas,
		now: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	}
}

// createPost keeps a new draft. A slug that the author chose must be free; a derived one gets a suffix until it is.
func (b *blog) createPost(ctx context.Context, author uuid.UUID, title, content, slug string) (Post, error) {
	post, err := newPost(author, title, content, slug, b.cfg.MaxContent, b.now())
	if err != nil {
		return Post{}, err
	}
	slugs := slices.Values([]string{slug})
	if slug == "" {
		slugs = suffixed(post.Slug)
	}
	err = b.tx.InTx(ctx, func(ctx context.Context) error {
		for post.Slug = range slugs {
			if inserted, err := b.posts.insert(ctx, post); inserted || err != nil {
				return err
			}
		}
		return blogapi.ErrSlugTaken
	})
	if err != nil {
		return Post{}, fmt.Errorf("create post: %w", err)
	}
	return post, nil
}

// suffixed yields base, base-2, base-3 … and then random suffixes, so that a popular title does not cost a try for
// each of its namesakes.
func suffixed(base string) iter.Seq[string] {
	return func(yield func(string) bool) {
		more := yield(base)
		for n := 2; more && n <= 5; n++ {
			more = yield(base + "-" + strconv.Itoa(n))
		}
		for more {
			more = yield(base + "-" + strings.ToLower(rand.Text()[:10]))
		}
	}
}

// updatePost changes the version that the author has seen. Whether the caller may depends on whose
// post it is, so that it can only be asked here.
func (b *blog) updatePost(ctx context.Context, id uuid.UUID, seen web.Condition, c change) (Post, error) {
	return b.change(ctx, id, func(p Post) (Post, error) {
		if err := b.authz.AuthorizeResource(ctx, blogapi.PermPostUpdate, p.attributes()); err != nil {
			return p, err
		}
		if !seen.Holds(p.Version) {
			return p, blogapi.ErrPostChanged
		}
		return p.apply(c, b.cfg.MaxContent, b.now())
	})
}

// publishPost makes a post public; doing it twice changes nothing.
func (b *blog) publishPost(ctx context.Context, id uuid.UUID) (Post, error) {
	return b.change(ctx, id, func(p Post) (Post, error) { return p.publish(b.now()), nil })
}

func (b *blog) change(ctx context.Context, id uuid.UUID, fn func(Post) (Post, error)) (after Post, err error) {
	err = b.tx.InTx(ctx, func(ctx context.Context) error {
		before, err := b.posts.forChange(ctx, id)
		if err != nil {
			return err
		}
		if after, err = fn(before); err != nil || after.Version == before.Version {
			return err
		}
		if err := b.posts.update(ctx, before.Version, after); err != nil {
			return err
		}
		return b.announce(ctx, before, after)
	})
	if err != nil {
		return Post{}, fmt.Errorf("change post: %w", err)
	}
	return after, nil
}

// announce tells the rest of the platform what a change means to it: it commits together with the change, or not at all.
func (b *blog) announce(ctx context.Context, before, after Post) error {
	switch {
	case after.Status != published:
		return nil
	case before.Status != published:
		if err := b.events.Publish(ctx, after.announcement()); err != nil {
			return err
		}
		return b.quotas.Consume(ctx, blogapi.UnitPublishedPosts, 1) // last, since others of the tenant wait from here on
	default: // it may have other words now
		_, err := b.jobs.Enqueue(ctx, indexPost{Post: after.ID})
		return err
	}
}

func (b *blog) deletePost(ctx context.Context, id uuid.UUID, seen web.Condition) error {
	return b.tx.InTx(ctx, func(ctx context.Context) error {
		p, err := b.posts.forChange(ctx, id)
		if err != nil {
			return err
		}
		if !seen.Holds(p.Version) {
			return blogapi.ErrPostChanged
		}
		if err := b.posts.delete(ctx, id); err != nil {
			return err
		}
		if err := b.index.remove(ctx, id); err != nil || p.Status != published {
			return err
		}
		return b.quotas.Free(ctx, blogapi.UnitPublishedPosts, 1)
	})
}
