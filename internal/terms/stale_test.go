package terms_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/internal/terms/ent"
	"github.com/yourorg/platform/pkg/entitlement"
	pkgterms "github.com/yourorg/platform/pkg/terms"
)

// wire is a change feed that a test has in its hand.
type wire struct {
	fresh atomic.Bool
	on    map[string]func(string)
}

func (*wire) Announce(context.Context, string, string) error { return nil }
func (w *wire) Subscribe(topic string, fn func(string))      { w.on[topic] = fn }
func (w *wire) Fresh() bool                                  { return w.fresh.Load() }

// gate is a database whose answers a test can hold back. It counts how often the limits of a tenant are read.
type gate struct {
	dialect.Driver
	asked atomic.Int32

	mu   sync.Mutex
	held chan struct{} // nil holds nothing back
	read chan struct{} // has one for each answer that is held back
	fail error
}

func (g *gate) Query(ctx context.Context, query string, args, v any) error {
	if !strings.Contains(query, "terms_limits") {
		return g.Driver.Query(ctx, query, args, v)
	}
	g.asked.Add(1)
	g.mu.Lock()
	held, fail := g.held, g.fail
	g.mu.Unlock()
	if fail != nil {
		return fail
	}
	err := g.Driver.Query(ctx, query, args, v)
	if held != nil {
		g.read <- struct{}{}
		<-held
	}
	return err
}

func (g *gate) hold() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := make(chan struct{})
	g.held = held
	return func() {
		g.mu.Lock()
		g.held = nil
		g.mu.Unlock()
		close(held)
	}
}

// gated is a book of its own over the database of r.
func gated(t *testing.T, r *rig) (*terms.Book, *gate, *wire) {
	t.Helper()
	g, w := &gate{Driver: r.Database, read: make(chan struct{}, 100)}, &wire{on: map[string]func(string){}}
	w.fresh.Store(true)
	book, err := terms.New(terms.DefaultConfig(), terms.Parts{
		Client: ent.NewClient(ent.Driver(g)), Run: r.Database, Feed: w, Log: zap.NewNop(),
	}, r.Catalog)
	require.NoError(t, err)
	t.Cleanup(book.Close)
	return book, g, w
}

func withhold(t *testing.T, r *rig) {
	t.Helper()
	_, err := r.book.SetLimits(t.Context(), r.id, pkgterms.Limits{Withheld: []entitlement.Name{export}}, nil)
	require.NoError(t, err)
}

// patient is the context of a caller who has asked, and tells when it waits for the answer.
type patient struct {
	context.Context
	waits func()
}

func (p *patient) Done() <-chan struct{} {
	p.waits()
	return p.Context.Done()
}

func TestManyWhoAskAtOnceAreOneRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	book, g, _ := gated(t, r)
	open := g.hold()
	var all, waiting sync.WaitGroup
	for range 50 {
		waiting.Add(1)
		ctx := &patient{context.Background(), sync.OnceFunc(waiting.Done)}
		all.Go(func() {
			if _, err := book.Of(ctx, r.id); err != nil {
				t.Error(err)
			}
		})
	}
	<-g.read
	waiting.Wait()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := book.Of(gone, r.id)
	require.ErrorIs(t, err, context.Canceled, "who gives up does not wait")
	open()
	all.Wait()
	_, err = book.Of(context.Background(), r.id)
	require.NoError(t, err)
	require.EqualValues(t, 1, g.asked.Load(), "also that nothing is set is remembered")
	_, err = book.Of(context.Background(), uuid.New())
	require.NoError(t, err)
	require.EqualValues(t, 2, g.asked.Load())
}

func TestWhatWasReadBeforeAChangeIsNotKept(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"the tenant", "the plan", "nothing legible"} {
		r := newRig(t, "")
		book, g, w := gated(t, r)
		open := g.hold()
		old := make(chan *terms.Terms)
		go func() {
			of, err := book.Of(context.Background(), r.id)
			if err != nil {
				t.Error(err)
			}
			old <- of
		}()
		<-g.read
		withhold(t, r)
		switch said {
		case "the tenant":
			w.on[terms.TopicTenant](r.id.String())
		case "the plan":
			w.on[terms.TopicPlan]("standard")
		default:
			w.on[terms.TopicTenant]("?")
		}
		fresh := make(chan *terms.Terms)
		go func() { // comes after the change, and shares nothing with whoever came before
			of, err := book.Of(context.Background(), r.id)
			if err != nil {
				t.Error(err)
			}
			fresh <- of
		}()
		<-g.read
		open()
		require.True(t, (<-old).Entitled(export))
		require.False(t, (<-fresh).Entitled(export), said)
		of, err := book.Of(t.Context(), r.id)
		require.NoError(t, err)
		require.False(t, of.Entitled(export), said)
		require.EqualValues(t, 2, g.asked.Load())
	}
}

func TestWhileTheFeedIsStaleTheDatabaseIsAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	book, g, w := gated(t, r)
	entitled := func() bool {
		of, err := book.Of(t.Context(), r.id)
		require.NoError(t, err)
		return of.Entitled(export)
	}
	require.True(t, entitled())
	w.fresh.Store(false)
	withhold(t, r)
	require.False(t, entitled())
	require.EqualValues(t, 2, g.asked.Load())

	g.mu.Lock()
	g.fail = errors.New("the database is away")
	g.mu.Unlock()
	_, err := book.Of(t.Context(), r.id)
	require.ErrorIs(t, err, terms.ErrUnavailable)
	require.NotErrorIs(t, book.Check(r.ctx(), export), entitlement.ErrMissing, "nobody knows")
	require.Error(t, book.Check(r.ctx(), gifts), "nobody gets through because it cannot be found out")
}
