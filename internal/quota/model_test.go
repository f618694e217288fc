package quota_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/quota"
	pkgquota "github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// model does slowly and in memory what quotas promise: of each window it keeps the text of the calendar.
type model struct {
	limits map[pkgquota.Window]int64
	label  map[pkgquota.Window]string
	used   map[pkgquota.Window]int64
}

// formats of times sort like the times, and name the window.
var formats = map[pkgquota.Window]string{
	pkgquota.Minute: "2006-01-02T15:04", pkgquota.Hour: "2006-01-02T15", pkgquota.Day: "2006-01-02", pkgquota.Month: "2006-01",
}

func labels(now time.Time, zone *time.Location) map[pkgquota.Window]string {
	all := map[pkgquota.Window]string{pkgquota.Lifetime: ""}
	for w, format := range formats {
		in := zone
		if w == pkgquota.Minute || w == pkgquota.Hour {
			in = time.UTC
		}
		all[w] = now.In(in).Format(format)
	}
	return all
}

func (m *model) turn(now time.Time, zone *time.Location) {
	for w, label := range labels(now, zone) {
		if label > m.label[w] {
			m.label[w], m.used[w] = label, 0
		}
	}
}

func (m *model) consume(n int64, now time.Time, zone *time.Location) bool {
	before := model{label: clone(m.label), used: clone(m.used)}
	m.turn(now, zone)
	for w, limit := range m.limits {
		if m.used[w]+n > limit {
			m.label, m.used = before.label, before.used
			return false
		}
	}
	for _, w := range pkgquota.Windows() {
		m.used[w] += n
	}
	return true
}

func clone[V any](from map[pkgquota.Window]V) map[pkgquota.Window]V {
	to := map[pkgquota.Window]V{}
	for k, v := range from {
		to[k] = v
	}
	return to
}

// held is a reservation as the model knows it.
type held struct {
	id     uuid.UUID
	amount int64
	label  map[pkgquota.Window]string
}

func (m *model) settle(h held, actual int64) {
	for w := range m.label {
		if m.label[w] == h.label[w] {
			m.used[w] = max(m.used[w]+actual-h.amount, 0)
		}
	}
}

// Whatever the clock and the time zone do, quotas count as the model does.
func TestQuotasAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"}
		move := func() {
			z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
			require.NoError(t, err)
			w.in(z)
		}
		move()
		w.at(time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "start"), 0))
		m := model{limits: map[pkgquota.Window]int64{}, label: map[pkgquota.Window]string{pkgquota.Lifetime: ""}, used: map[pkgquota.Window]int64{}}
		var limits []pkgquota.Limit
		for _, window := range pkgquota.Windows() {
			if rapid.Bool().Draw(t, "limited") {
				n := rapid.Int64Range(0, 60).Draw(t, "limit")
				m.limits[window] = n
				limits = append(limits, hard(tokens, window, n))
			}
		}
		w.allow(limits...)
		q, ctx := b.replica(w), tenant.NewContext(context.Background(), uuid.New())
		var reserved []held
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			n := rapid.Int64Range(1, 20).Draw(t, "n")
			switch rapid.SampledFrom([]string{"consume", "consume", "reserve", "settle", "free", "pass", "back", "move"}).Draw(t, "step") {
			case "consume":
				err := q.Consume(ctx, tokens, n)
				require.Equal(t, m.consume(n, w.now(), w.zone), err == nil, "%v", err)
			case "reserve":
				id, err := q.Reserve(ctx, tokens, n, 31*24*time.Hour)
				ok := m.consume(n, w.now(), w.zone)
				require.Equal(t, ok, err == nil, "%v", err)
				if ok {
					reserved = append(reserved, held{id, n, clone(m.label)})
				}
			case "settle":
				if len(reserved) > 0 {
					i := rapid.IntRange(0, len(reserved)-1).Draw(t, "which")
					h := reserved[i]
					reserved = slices.Delete(reserved, i, i+1)
					if err := q.Settle(ctx, h.id, n-1); !errors.Is(err, pkgquota.ErrReservation) { // it may have lapsed
						require.NoError(t, err)
						m.settle(h, n-1)
					}
				}
			case "free":
				require.NoError(t, q.Free(ctx, tokens, n))
				m.used[pkgquota.Lifetime] = max(m.used[pkgquota.Lifetime]-n, 0)
			case "pass":
				steps := []time.Duration{time.Second, time.Minute, 13 * time.Hour, 26 * time.Hour, 20 * 24 * time.Hour}
				w.pass(rapid.SampledFrom(steps).Draw(t, "passes"))
			case "back":
				w.pass(-rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 40 * 24 * time.Hour}).Draw(t, "back"))
			case "move":
				move()
			}
			shown := model{label: clone(m.label), used: clone(m.used)}
			shown.turn(w.now(), w.zone)
			states, err := q.Usage(ctx)
			require.NoError(t, err)
			for _, s := range states {
				if s.Unit == tokens {
					require.Equal(t, shown.used[s.Window], s.Used, s.Window)
					require.True(t, s.Window == pkgquota.Lifetime || s.Resets.After(w.now()), "%s resets at %s", s.Window, s.Resets)
				}
			}
		}
	})
}

// A tenant that moves as it likes has at most two days, and two months, more than the calendar has.
func TestMovingGainsNoMoreThanTheCalendarHas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Day, 1))
	east, err := time.LoadLocation("Pacific/Kiritimati")
	require.NoError(t, err)
	west, err := time.LoadLocation("Pacific/Pago_Pago")
	require.NoError(t, err)
	q, ctx, served := b.replica(w), someone(t), 0
	for range 10 * 24 {
		for _, z := range []*time.Location{west, east} {
			w.in(z)
			if q.Consume(ctx, tokens, 1) == nil {
				served++
			}
		}
		w.pass(time.Hour)
	}
	require.LessOrEqual(t, served, 12)
	require.GreaterOrEqual(t, served, 10)
}

func TestTheLaterOfTwoClocksCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ahead, behind := newWorld(hard(tokens, pkgquota.Minute, 10)), newWorld(hard(tokens, pkgquota.Minute, 10))
	ahead.at(time.Date(2026, 3, 10, 12, 1, 0, 0, time.UTC))
	behind.at(time.Date(2026, 3, 10, 12, 0, 57, 0, time.UTC))
	fast, slow, ctx := b.replica(ahead), b.replica(behind), someone(t)
	require.NoError(t, slow.Consume(ctx, tokens, 10))
	require.NoError(t, fast.Consume(ctx, tokens, 6), "its minute has begun")
	require.ErrorIs(t, slow.Consume(ctx, tokens, 5), pkgquota.ErrExceeded)
	require.NoError(t, slow.Consume(ctx, tokens, 4), "and it has begun for all")
	ahead.pass(-time.Hour)
	require.ErrorIs(t, fast.Consume(ctx, tokens, 1), pkgquota.ErrExceeded, "a clock that is set back does not begin it again")
}

// On two replicas, whatever comes at the same time: no more than there is room for, and nobody refused while there is.
func TestParallelUseFillsALimitExactly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Minute, 90), hard(tokens, pkgquota.Month, 300))
	replicas, ctx := []*quota.Quotas{b.replica(w), b.replica(w)}, someone(t)
	for minute, room := range []int64{90, 90, 90, 30, 0} {
		var served, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				for range 12 {
					switch err := replicas[i%2].Consume(ctx, tokens, 1); {
					case err == nil:
						served.Add(1)
					case errors.Is(err, pkgquota.ErrExceeded):
						refused.Add(1)
					default:
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		require.Equal(t, room, served.Load(), fmt.Sprint("minute ", minute))
		require.Equal(t, 120-room, refused.Load(), fmt.Sprint("minute ", minute))
		w.pass(time.Minute)
	}
}
