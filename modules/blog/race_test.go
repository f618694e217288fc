package blog_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

// together runs fn n times at once and returns what each made of it.
func together[T any](n int, fn func(i int) T) []T {
	out := make([]T, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			out[i] = fn(i)
		})
	}
	close(start)
	all.Wait()
	return out
}

func TestPostsOfOneTitleAtOnceAllGetASlug(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	answers := together(20, func(int) testapp.Answer {
		return d.Do(t, testapp.Call{Method: "POST", Path: posts, Token: d.author.Token, Body: fields{"title": "Same"}})
	})
	slugs := []string{}
	for _, answer := range answers {
		require.Equal(t, http.StatusCreated, answer.Status, "%s", answer.Body)
		slugs = append(slugs, d.read(t, answer).Slug)
	}
	slices.Sort(slugs)
	require.Len(t, slices.Compact(slugs), 20)
	require.Len(t, d.list(t, "").Items, 20)
}

func TestOfTwoChangesToOneVersionOneWins(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 10 {
		p := d.create(t, fields{"title": "Contested"})
		answers := together(2, func(i int) testapp.Answer {
			return d.Do(t, d.patch(p, p.etag, fields{"title": fmt.Sprintf("Change %d", i)}))
		})
		if answers[0].Status != http.StatusOK {
			slices.Reverse(answers)
		}
		require.Equal(t, http.StatusOK, answers[0].Status, "%s", answers[0].Body)
		require.Equal(t, http.StatusPreconditionFailed, answers[1].Status, "%s", answers[1].Body)
		require.Equal(t, "blog.post_changed", answers[1].Code(t))
		require.Equal(t, d.read(t, answers[0]), d.get(t, p.ID))
	}
}

func TestAGivenSlugIsTakenOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	answers := together(10, func(int) testapp.Answer {
		return d.Do(t, testapp.Call{Method: "POST", Path: posts, Token: d.author.Token, Body: fields{"title": "x", "slug": "only-one"}})
	})
	created := 0
	for _, answer := range answers {
		if answer.Status == http.StatusCreated {
			created++
			continue
		}
		require.Equal(t, http.StatusConflict, answer.Status, "%s", answer.Body)
		require.Equal(t, "blog.slug_taken", answer.Code(t))
	}
	require.Equal(t, 1, created)
}

func TestPublishingAtOnceIsOnePublication(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.create(t, fields{"title": "News"})
	for _, answer := range together(5, func(int) testapp.Answer {
		return d.Do(t, testapp.Call{Method: "POST", Path: p.path() + "/publish", Token: d.author.Token})
	}) {
		require.Equal(t, http.StatusOK, answer.Status, "publishing is idempotent: %s", answer.Body)
	}
	require.Equal(t, "published", d.get(t, p.ID).Status)
}
