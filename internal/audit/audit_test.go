package audit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

func onEachEngine(t *testing.T, test func(t *testing.T, d *database.Driver)) {
	t.Helper()
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func newLog(d *database.Driver) *Log { return newTrail(d).Log }

func TestRecordTakesWhoAndWhereFromTheContext(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		l := newLog(d)
		l.now = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 8_009_999, time.FixedZone("", 3600)) }
		caller := &auth.Caller{UserID: uuid.New()}
		ctx := tenant.NewContext(auth.NewContext(t.Context(), caller), uuid.New())
		ctx = logger.NewContext(ctx, &logger.Request{ID: "req-1", IP: "192.0.2.7"})
		require.NoError(t, l.Record(tenant.System(ctx, "sign-in"), audit.Entry{Action: "blog.post.publish", Target: "blog.post:1"}))

		events, err := l.Events(ctx, audit.Filter{})
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, uuid.Version(7), events[0].ID.Version())
		events[0].ID = uuid.Nil
		require.Equal(t, audit.Event{
			Time: time.Date(2026, 3, 4, 4, 6, 7, 8_009_000, time.UTC), Actor: caller.UserID, Permission: "blog.post.publish",
			Target: "blog.post:1", Outcome: audit.Succeeded, IP: "192.0.2.7", RequestID: "req-1", Reason: "sign-in",
		}, events[0])
	})
}

func TestRecordPrefersTheTenantAndActorOfTheEntry(t *testing.T) {
	t.Parallel()
	l := newLog(openSQLite(t))
	own, other, actor := uuid.New(), uuid.New(), uuid.New()
	ctx := auth.NewContext(tenant.NewContext(t.Context(), own), &auth.Caller{UserID: uuid.New()})
	require.NoError(t, l.Record(ctx, audit.Entry{Action: "identity.session.create", Tenant: other, Actor: actor}))

	events, err := l.Events(ctx, audit.Filter{})
	require.NoError(t, err)
	require.Empty(t, events)
	events, err = l.Events(tenant.NewContext(ctx, other), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, actor, events[0].Actor)
}

func TestRecordOutsideOfAnyTenantBelongsToThePlatform(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		l := newLog(d)
		require.NoError(t, l.Record(t.Context(), audit.Entry{Action: "identity.session.create", Outcome: audit.Failed}))
		row, err := l.events.Query().Only(t.Context())
		require.NoError(t, err)
		require.Equal(t, uuid.Nil, row.TenantID)
		require.Nil(t, row.Actor)
	})
}

func TestRecordRefusesAnEntryThatSaysNothing(t *testing.T) {
	t.Parallel()
	l := newLog(openSQLite(t))
	ctx, m := NewContext(tenant.NewContext(t.Context(), uuid.New()))
	require.Error(t, l.Record(ctx, audit.Entry{}))
	require.Error(t, l.Record(ctx, audit.Entry{Action: "blog.post.read", Outcome: "perhaps"}))
	require.False(t, m.Recorded())
}

func TestRecordIsPartOfTheTransaction(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		l, ctx := newLog(d), tenant.NewContext(t.Context(), uuid.New())
		undo := errors.New("undo")
		require.ErrorIs(t, d.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, l.Record(ctx, audit.Entry{Action: "blog.post.create"}))
			return undo
		}), undo)
		require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
			return l.Record(ctx, audit.Entry{Action: "blog.post.delete"})
		}))
		events, err := l.Events(ctx, audit.Filter{})
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, "blog.post.delete", events[0].Permission)
	})
}

func TestRecordSetsTheMark(t *testing.T) {
	t.Parallel()
	l := newLog(openSQLite(t))
	ctx, m := NewContext(t.Context())
	require.False(t, m.Recorded())
	require.NoError(t, l.Record(ctx, audit.Entry{Action: "blog.post.create"}))
	require.True(t, m.Recorded())
}

func TestEventsNeedATenant(t *testing.T) {
	t.Parallel()
	l := newLog(openSQLite(t))
	for name, ctx := range map[string]context.Context{
		"none":                t.Context(),
		"the zero tenant":     tenant.NewContext(t.Context(), uuid.Nil),
		"the scope of System": tenant.System(t.Context(), "housekeeping"),
	} {
		_, err := l.Events(ctx, audit.Filter{})
		require.ErrorIs(t, err, tenant.ErrMissing, name)
	}
}

func TestEventsAreNeverMoreThanAPageAndOne(t *testing.T) {
	t.Parallel()
	l, ctx := newLog(openSQLite(t)), tenant.NewContext(t.Context(), uuid.New())
	for range maxEvents + 3 {
		require.NoError(t, l.Record(ctx, audit.Entry{Action: "blog.post.create"}))
	}
	for limit, want := range map[int]int{-1: 201, 0: 201, 1: 1, 201: 201, 202: 201} {
		events, err := l.Events(ctx, audit.Filter{Limit: limit})
		require.NoError(t, err)
		require.Len(t, events, want)
	}
}

func TestTheTrailOnlyGrows(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		l, ctx := newLog(d), tenant.NewContext(t.Context(), uuid.New())
		require.NoError(t, l.Record(ctx, audit.Entry{Action: "blog.post.create", Outcome: audit.Denied}))
		before, err := l.Events(ctx, audit.Filter{})
		require.NoError(t, err)

		columns := "id, tenant_id, time, permission, target, outcome, ip, request_id, reason"
		statements := []string{
			"UPDATE audit_events SET outcome = 'succeeded'",
			"DELETE FROM audit_events",
		}
		if d.Dialect() == "postgres" {
			statements = append(statements, "TRUNCATE audit_events",
				"INSERT INTO audit_events ("+columns+") SELECT "+columns+" FROM audit_events ON CONFLICT (id) DO UPDATE SET outcome = 'failed'")
		} else {
			statements = append(statements,
				"INSERT OR REPLACE INTO audit_events ("+columns+") SELECT "+strings.Replace(columns, "outcome", "'failed'", 1)+" FROM audit_events",
				"INSERT INTO audit_events ("+columns+") SELECT "+columns+" FROM audit_events WHERE true ON CONFLICT (id) DO UPDATE SET outcome = 'failed'")
		}
		for _, statement := range statements {
			require.ErrorContains(t, d.Exec(ctx, statement, []any{}, nil), "append-only", statement)
		}
		after, err := l.Events(ctx, audit.Filter{})
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

func TestFiltersAgreeWithANaiveFilter(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		l := newLog(d)
		actors := []uuid.UUID{uuid.Nil, uuid.New(), uuid.New()}
		outcomes := []audit.Outcome{audit.Succeeded, audit.Denied, audit.Failed}
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		moments := rapid.Custom(func(t *rapid.T) time.Time {
			// Coarse steps make equal times likely, the odd nanoseconds lie between two that a column can hold.
			step := time.Duration(rapid.IntRange(0, 12).Draw(t, "step")) * 250 * time.Microsecond
			return start.Add(step + time.Duration(rapid.SampledFrom([]int{0, 0, 1, 999}).Draw(t, "nanoseconds")))
		})
		words := rapid.SampledFrom([]string{"", "a", "a\x00", "\x7f", "b"})

		rapid.Check(t, func(t *rapid.T) {
			ctx, other := tenant.NewContext(context.Background(), uuid.New()), uuid.New()
			for range rapid.IntRange(0, 15).Draw(t, "events") {
				at := moments.Draw(t, "time")
				l.now = func() time.Time { return at }
				in := logger.NewContext(ctx, &logger.Request{ID: words.Draw(t, "request id")})
				if rapid.IntRange(0, 4).Draw(t, "foreign") == 0 {
					in = tenant.NewContext(in, other)
				}
				require.NoError(t, l.Record(in, audit.Entry{
					Action: "blog.post." + rapid.SampledFrom([]string{"read", "create"}).Draw(t, "action"),
					Target: words.Draw(t, "target"), Actor: rapid.SampledFrom(actors).Draw(t, "actor"),
					Outcome: rapid.SampledFrom(outcomes).Draw(t, "outcome"),
				}))
			}
			all, err := l.Events(ctx, audit.Filter{})
			require.NoError(t, err)
			require.True(t, slices.IsSortedFunc(all, func(a, b audit.Event) int { return strings.Compare(b.ID.String(), a.ID.String()) }))

			f := audit.Filter{
				Actor:      rapid.SampledFrom(actors).Draw(t, "filter actor"),
				Permission: rapid.SampledFrom([]string{"", "", "blog.post.read"}).Draw(t, "filter permission"),
				Target:     words.Draw(t, "filter target"),
				Outcome:    rapid.SampledFrom(append(outcomes, "")).Draw(t, "filter outcome"),
				RequestID:  words.Draw(t, "filter request id"),
				Limit:      rapid.IntRange(1, 20).Draw(t, "limit"),
			}
			if rapid.Bool().Draw(t, "has from") {
				f.From = moments.Draw(t, "from")
			}
			if rapid.Bool().Draw(t, "has to") {
				f.To = moments.Draw(t, "to").In(time.FixedZone("", -7200))
			}
			if len(all) > 0 && rapid.Bool().Draw(t, "has before") {
				f.Before = rapid.SampledFrom(all).Draw(t, "before").ID
			}
			got, err := l.Events(ctx, f)
			require.NoError(t, err)
			require.Equal(t, naive(all, f), got)
		})
	})
}

func naive(all []audit.Event, f audit.Filter) []audit.Event {
	kept := []audit.Event{}
	for _, e := range all {
		if (f.Actor == uuid.Nil || e.Actor == f.Actor) &&
			(f.Permission == "" || e.Permission == f.Permission) &&
			(f.Target == "" || e.Target == strings.Trim(f.Target, "\x00\x7f")) &&
			(f.Outcome == "" || e.Outcome == f.Outcome) &&
			(f.RequestID == "" || e.RequestID == strings.Trim(f.RequestID, "\x00\x7f")) &&
			(f.From.IsZero() || !e.Time.Before(f.From)) &&
			(f.To.IsZero() || e.Time.Before(f.To)) &&
			(f.Before == uuid.Nil || e.ID.String() < f.Before.String()) {
			kept = append(kept, e)
		}
	}
	return kept[:min(len(kept), f.Limit)]
}

func TestABoundBeyondTheLastYearLimitsNothing(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		l, ctx := newLog(d), tenant.NewContext(t.Context(), uuid.New())
		require.NoError(t, l.Record(ctx, audit.Entry{Action: "blog.post.create"}))
		events, err := l.Events(ctx, audit.Filter{
			From: time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 7200)),
			To:   time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", -7200)),
		})
		require.NoError(t, err)
		require.Len(t, events, 1)
	})
}
