package blog

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tx"
)

// indexPost has a post found by its words.
type indexPost struct {
	Post uuid.UUID `json:"post"`
}

func (indexPost) Kind() string { return "blog.index_post" }
func (indexPost) Version() int { return 1 }

// tellFollowers tells those who follow the blog of a new post, a page of them after the other.
type tellFollowers struct {
	Post   uuid.UUID `json:"post"`
	Title  string    `json:"title"`
	Slug   string    `json:"slug"`
	Author uuid.UUID `json:"author"`
	After  uuid.UUID `json:"after"` // the last one of the page before
}

func (tellFollowers) Kind() string { return "blog.tell_followers" }
func (tellFollowers) Version() int { return 1 }

const followersPerJob = 200 // keeps the transaction short

// worker does the blog's jobs.
type worker struct {
	cfg       Config
	tx        tx.Runner
	posts     *store
	index     *index
	followers *followers
	jobs      job.Enqueuer
	notifier  notify.Notifier
	access    authz.Explainer
}

func newWorker(cfg Config, run tx.Runner, posts *store, i *index, f *followers, jobs job.Enqueuer, n notify.Notifier, access authz.Explainer) *worker {
	return &worker{cfg: cfg, tx: run, posts: posts, index: i, followers: f, jobs: jobs, notifier: n, access: access}
}

// Handlers implements job.Worker.
func (w *worker) Handlers() []job.Handler {
	return []job.Handler{
		job.On(w.indexPost), job.On(w.tellFollowers).Entitled(blogapi.EntFollowing),
		job.On(w.makeDigests), job.On(w.makeDigest).Entitled(blogapi.EntFollowing),
	}
}

// indexPost writes the index and marks the job as done in one transaction: killed at any moment, it has done both or
// neither. The post is locked, so that an older text never replaces the index of a newer one.
func (w *worker) indexPost(ctx context.Context, a indexPost) error {
	return w.tx.InTx(ctx, func(ctx context.Context) error {
		post, err := w.posts.forChange(ctx, a.Post)
		if errors.Is(err, blogapi.ErrPostNotFound) {
			return job.Complete(ctx, nil) // it was deleted in the meantime
		}
		if err != nil {
			return err
		}
		terms := termsOf(post.Title + " " + post.Content)
		if err := w.index.replace(ctx, post.ID, terms); err != nil {
			return err
		}
		return job.Complete(ctx, map[string]int{"terms": len(terms)})
	})
}

// tellFollowers tells one page of followers, and asks for the next one in the same transaction.
func (w *worker) tellFollowers(ctx context.Context, a tellFollowers) error {
	return w.tx.InTx(ctx, func(ctx context.Context) error {
		users, err := w.followers.after(ctx, a.After, followersPerJob)
		if err != nil {
			return err
		}
		for _, user := range users {
			if user == a.Author {
				continue
			}
			if err := w.tell(ctx, user, authz.OwnedBy(a.Author), "blog.post_published", map[string]string{"title": a.Title, "slug": a.Slug}); err != nil {
				return err
			}
		}
		if len(users) == followersPerJob {
			a.After = users[len(users)-1]
			if _, err := w.jobs.Enqueue(ctx, a); err != nil {
				return err
			}
		}
		return job.Complete(ctx, map[string]int{"followers": len(users)})
	})
}

// tell passes over those who may no longer read the posts, or cannot be told anything any more.
func (w *worker) tell(ctx context.Context, user uuid.UUID, posts authz.Attributes, template string, data any) error {
	may, err := w.access.Explain(ctx, authz.Question{User: user, Permission: blogapi.PermPostRead, Attributes: posts})
	if err != nil || !may.Allowed {
		return err
	}
	_, err = w.notifier.Send(ctx, notify.Notification{To: notify.Recipient{User: user}, Template: template, Data: data})
	if errors.Is(err, notify.ErrRecipient) {
		return nil
	}
	return err
}
