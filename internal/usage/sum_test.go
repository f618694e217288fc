package usage_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	pkgusage "github.com/yourorg/platform/pkg/usage"
)

// everybody is a tenant.
type everybody struct{ tenant.Profiles }

func (everybody) Known(context.Context, tenant.ID) (bool, error) { return true, nil }

var errAway = errors.New("the database is away")

// store loses what it is told to.
type store struct {
	*database.Driver
	rollBack bool // the next transactions are rolled back
	hideEnd  bool // they commit, and nobody hears of it
}

func (s *store) InTx(ctx context.Context, fn func(context.Context) error) error {
	err := s.Driver.InTx(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil || !s.rollBack {
			return err
		}
		return errAway
	})
	if s.hideEnd && err == nil {
		return errAway
	}
	return err
}

// replica is a process that counts.
type replica struct {
	*usage.Recorder
	store *store
}

func newReplica(app *testapp.App) replica {
	s := &store{Driver: app.Database}
	return replica{usage.New(usage.DefaultConfig(), s, everybody{}, zap.NewNop()), s}
}

// all is the range of these tests.
func all(by pkgusage.By, now time.Time) pkgusage.Query {
	q := pkgusage.Query{From: now.Add(-90 * 24 * time.Hour), To: now.Add(time.Hour), By: by}
	if by == pkgusage.Hour {
		q.From = now.Add(-30 * 24 * time.Hour)
	}
	return q
}

func TestWhatReplicasCountedIsTheSumWhateverFailsBetween(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ctx, now := t.Context(), time.Now()
	rapid.Check(t, func(t *rapid.T) {
		replicas := []replica{newReplica(app), newReplica(app)}
		ids := []tenant.ID{uuid.New(), uuid.New(), uuid.New()}
		type slot struct {
			id    tenant.ID
			start time.Time
		}
		want := map[pkgusage.By]map[slot]pkgusage.Interval{pkgusage.Hour: {}, pkgusage.Day: {}}
		oneOf := func(what string) replica { return rapid.SampledFrom(replicas).Draw(t, what) }
		count := func(id tenant.ID, at time.Time, change func(*pkgusage.Interval)) {
			for by, slots := range want {
				k := slot{id, at.UTC().Truncate(by.Length())}
				i, known := slots[k]
				if !known {
					i.Start = k.start
				}
				change(&i)
				slots[k] = i
			}
		}
		when := func() time.Time { // the days around the roll-up, and the last ones
			back := rapid.SampledFrom([]int{0, 1, 24, 30, 34 * 24, 35 * 24, 36 * 24, 36*24 + 5, 60 * 24}).Draw(t, "hours ago")
			return now.Add(-time.Duration(back) * time.Hour)
		}
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				id, at := rapid.SampledFrom(ids).Draw(t, "tenant"), when()
				a := usage.Answer{
					Status: rapid.SampledFrom([]int{200, 404, 503}).Draw(t, "status"), In: rapid.Int64Range(0, 100).Draw(t, "in"),
					Out: rapid.Int64Range(0, 100).Draw(t, "out"), Took: time.Millisecond,
				}
				oneOf("replica").Answered(id, at, a)
				count(id, at, func(i *pkgusage.Interval) {
					i.Requests++
					i.BytesIn += a.In
					i.BytesOut += a.Out
					if a.Status == 404 {
						i.ClientErrors++
					} else if a.Status == 503 {
						i.ServerErrors++
					}
				})
			},
			"consume": func(t *rapid.T) {
				id, at := rapid.SampledFrom(ids).Draw(t, "tenant"), when()
				unit := rapid.SampledFrom([]quota.Unit{"tokens", "storage_bytes"}).Draw(t, "unit")
				n := rapid.Int64Range(1, 1000).Draw(t, "n")
				usage.ConsumedAt(oneOf("replica").Recorder, id, at, unit, n)
				count(id, at, func(i *pkgusage.Interval) {
					if i.Units == nil {
						i.Units = map[quota.Unit]int64{}
					}
					i.Units[unit] += n
				})
			},
			"flush": func(t *rapid.T) { require.NoError(t, oneOf("replica").Flush(ctx)) },
			"roll back": func(t *rapid.T) {
				r := oneOf("replica")
				r.store.rollBack = true
				_ = r.Flush(ctx)
				r.store.rollBack = false
			},
			"hide the end": func(t *rapid.T) {
				r := oneOf("replica")
				r.store.hideEnd = true
				_ = r.Flush(ctx)
				r.store.hideEnd = false
			},
			"roll up": func(t *rapid.T) {
				_, err := usage.TidyAt(oneOf("replica").Recorder, ctx, now)
				require.NoError(t, err)
			},
			"fail to roll up": func(t *rapid.T) {
				r := oneOf("replica")
				r.store.rollBack = true
				_, _ = usage.TidyAt(r.Recorder, ctx, now)
				r.store.rollBack = false
			},
		})
		for _, r := range replicas {
			require.NoError(t, r.Flush(ctx))
		}
		for by, slots := range want {
			for _, id := range ids {
				q := all(by, now)
				got, err := replicas[0].Usage(ctx, id, q)
				require.NoError(t, err)
				expected := []pkgusage.Interval{}
				for k, i := range slots {
					if k.id == id && !k.start.Before(q.From.Truncate(by.Length())) {
						if i.Requests > 0 { // that latencies add up is tested elsewhere
							i.Latency = pkgusage.Latency{Mean: time.Millisecond, P50: got0(got), P95: got0(got), P99: got0(got)}
						}
						expected = append(expected, i)
					}
				}
				slices.SortFunc(expected, func(a, b pkgusage.Interval) int { return a.Start.Compare(b.Start) })
				require.Equal(t, expected, got, by)
			}
		}
	})
}

// got0 is what the histogram says about a millisecond.
func got0(all []pkgusage.Interval) time.Duration {
	for _, i := range all {
		if i.Requests > 0 {
			return i.Latency.P50
		}
	}
	return 0
}

func TestReplicasThatWriteAtOnceAddUp(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ids := make([]tenant.ID, 300)
	for i := range ids {
		ids[i] = uuid.New()
	}
	now := time.Now()
	const replicas, writes = 4, 5
	var running sync.WaitGroup
	for range replicas {
		r := newReplica(app)
		running.Go(func() {
			for range writes {
				for _, id := range ids {
					r.Answered(id, now, usage.Answer{Status: 200, Took: time.Second})
					usage.ConsumedAt(r.Recorder, id, now, "tokens", 3)
				}
				for r.Flush(t.Context()) != nil { // the writer of SQLite may be busy for long
				}
			}
		})
	}
	running.Wait()
	reader := newReplica(app)
	for _, id := range ids {
		got, err := reader.Usage(t.Context(), id, all(pkgusage.Hour, now))
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.EqualValues(t, replicas*writes, got[0].Requests)
		require.Equal(t, map[quota.Unit]int64{"tokens": 3 * replicas * writes}, got[0].Units)
		require.Equal(t, time.Second, got[0].Latency.Mean)
		require.InEpsilon(t, time.Second, got[0].Latency.P99, 0.2)
	}
}

func TestAClockThatIsSetBackLosesNothing(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	r, id := newReplica(app), uuid.New()
	hour := time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)
	for _, at := range []time.Duration{59, 61, 58, 62, 57} {
		r.Answered(id, hour.Add(at*time.Minute).In(time.FixedZone("Kathmandu", 20700)), usage.Answer{Status: 200})
		require.NoError(t, r.Flush(t.Context()))
	}
	got, err := r.Usage(t.Context(), id, all(pkgusage.Hour, time.Now()))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.EqualValues(t, []any{hour, int64(3), hour.Add(time.Hour), int64(2)}, []any{got[0].Start, got[0].Requests, got[1].Start, got[1].Requests})
}

func TestStoredSumsStopBeforeTheyOverflow(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	r, id, now := newReplica(app), uuid.New(), time.Now().Add(-40*24*time.Hour)
	for range 3 {
		r.Answered(id, now, usage.Answer{Status: 200, In: 1<<63 - 1})
		usage.ConsumedAt(r.Recorder, id, now, "tokens", 1<<63-1)
		require.NoError(t, r.Flush(t.Context()))
		_, err := r.Tidy(t.Context())
		require.NoError(t, err)
	}
	got, err := r.Usage(t.Context(), id, all(pkgusage.Day, time.Now()))
	require.NoError(t, err)
	require.EqualValues(t, 1<<53-1, got[0].BytesIn)
	require.EqualValues(t, 1<<53-1, got[0].Units["tokens"])
	require.EqualValues(t, 3, got[0].Requests)
}
