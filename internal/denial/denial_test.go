package denial

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// paper is what was published, and the reason why nothing is.
type paper struct {
	mu   sync.Mutex
	fail error
	news []string
}

func (p *paper) Publish(ctx context.Context, e event.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	id, _ := tenant.FromContext(ctx)
	d := e.(terms.Denied)
	p.news = append(p.news, fmt.Sprintf("%s %s %s %d", id, d.By, d.Name, d.Count))
	return nil
}

func (p *paper) read() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.news
}

func TestManyRefusalsAreOneEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &paper{}
		r := New(p, zap.NewNop())
		one, other := uuid.UUID{1}, uuid.UUID{2}
		require.NoError(t, r.Start(t.Context()))
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { r.Denied(tenant.NewContext(t.Context(), one), "rate", "requests") })
		}
		all.Wait()
		r.Denied(tenant.NewContext(t.Context(), other), "policy", "models")
		r.Denied(t.Context(), "policy", "models") // nobody's
		synctest.Wait()
		require.Empty(t, p.read())
		time.Sleep(every + time.Second) // in the bubble, where it takes no time
		synctest.Wait()
		want := []string{one.String() + " rate requests 1000", other.String() + " policy models 1"}
		require.ElementsMatch(t, want, p.read())
		time.Sleep(every + time.Second) // in the bubble, where it takes no time
		synctest.Wait()
		require.Len(t, p.read(), 2, "nothing has happened since")

		r.Denied(tenant.NewContext(t.Context(), one), "quota", "tokens")
		require.NoError(t, r.Stop(t.Context()))
		require.Contains(t, p.read(), one.String()+" quota tokens 1", "what is left is announced at the end")
	})
}

func TestWhatCannotBeAnnouncedIsKept(t *testing.T) {
	t.Parallel()
	p := &paper{fail: errors.New("the database is away")}
	r := New(p, zap.NewNop())
	ctx := tenant.NewContext(t.Context(), uuid.UUID{1})
	r.Denied(ctx, "rate", "requests")
	r.Announce(t.Context())
	r.Denied(ctx, "rate", "requests")
	p.fail = nil
	r.Announce(t.Context())
	require.Equal(t, []string{uuid.UUID{1}.String() + " rate requests 2"}, p.read())
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	p := &paper{}
	r := New(p, zap.NewNop())
	first := tenant.NewContext(t.Context(), uuid.UUID{1})
	r.Denied(first, "rate", "requests")
	for range mostNoted + 5 {
		r.Denied(tenant.NewContext(t.Context(), uuid.New()), "rate", "requests")
	}
	r.Denied(first, "rate", "requests")
	r.Announce(t.Context())
	require.Len(t, p.read(), mostNoted)
	require.Contains(t, p.read(), uuid.UUID{1}.String()+" rate requests 2", "those who are known go on being counted")
}

func TestOneThatWasNeverStartedStops(t *testing.T) {
	t.Parallel()
	require.NoError(t, New(&paper{}, zap.NewNop()).Stop(t.Context()))
}
