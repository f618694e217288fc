package blog

import (
	"context"

	"github.com/yourorg/platform/pkg/tenant"
)

// eraser removes what is left of a deleted tenant.
type eraser struct {
	posts     *store
	index     *index
	followers *followers
}

var _ tenant.Eraser = (*eraser)(nil)

func newEraser(posts *store, i *index, f *followers) *eraser {
	return &eraser{posts: posts, index: i, followers: f}
}

// Erase implements tenant.Eraser.
func (e *eraser) Erase(ctx context.Context, _ tenant.ID) (int, error) {
	for _, erase := range []func(context.Context) (int, error){e.index.erase, e.followers.erase, e.posts.erase} {
		if n, err := erase(ctx); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}
