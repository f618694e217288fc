package bus

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/event"
)

// filled is a line with an event for each letter, which is its key; a dot has none.
func filled(workers int, tenant uuid.UUID, keys string) *line {
	l := newLine(workers)
	for _, k := range keys {
		e := &event.Envelope{ID: uuid.Must(uuid.NewV7()), Tenant: tenant, Key: string(k)}
		if k == '.' {
			e.Key = ""
		}
		l.add(message.NewMessage(e.ID.String(), nil), e)
	}
	return l
}

func taken(batch []*arrival) (keys string) {
	for _, a := range batch {
		if a.event.Key == "" {
			keys += "."
		}
		keys += a.event.Key
	}
	return keys
}

func TestAKeyIsWorkedOnByOneAtATimeAndInOrder(t *testing.T) {
	t.Parallel()
	l := filled(2, uuid.New(), "aab.a.b")
	first, _ := l.take(2)
	require.Equal(t, "aa", taken(first))
	second, _ := l.take(100)
	require.Equal(t, "b.", taken(second), "half of what is free is left to the other one")
	l.done(first, 1)
	third, _ := l.take(100)
	require.Equal(t, "aa", taken(third))
	require.Same(t, first[1], third[0], "what was given back keeps its place")
	fourth, _ := l.take(100)
	require.Equal(t, ".", taken(fourth))
	none, in := l.take(100)
	require.Empty(t, none)
	require.Equal(t, again, in)
	for _, batch := range [][]*arrival{second, third, fourth} {
		l.done(batch, len(batch))
	}
	last, _ := l.take(100)
	require.Equal(t, "b", taken(last))
	l.done(last, 1)
	require.Empty(t, l.waiting)
	require.Empty(t, l.keys)
}

func TestABatchIsOfOneTenant(t *testing.T) {
	t.Parallel()
	l := filled(1, uuid.New(), "ab")
	for _, a := range filled(1, uuid.New(), "a").waiting {
		l.add(a.message, a.event)
	}
	batch, _ := l.take(100)
	require.Equal(t, "ab", taken(batch))
	other, _ := l.take(100)
	require.Equal(t, "a", taken(other), "it is another one's key")
}

func TestAKeyThatRestsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	l := filled(1, uuid.New(), "aab")
	batch, _ := l.take(1)
	l.rest(batch[0], time.Hour)
	l.done(batch, 0)
	batch, _ = l.take(100)
	require.Equal(t, "b", taken(batch))
}

func TestWhatIsTooEarlyLetsOlderOnesOfItsKeyPass(t *testing.T) {
	t.Parallel()
	ids := []uuid.UUID{uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())}
	l := newLine(1)
	for _, n := range []int{2, 0, 1} { // as it may be after a delivery once more
		l.add(message.NewMessage("", nil), &event.Envelope{ID: ids[n], Key: "k"})
	}
	batch, _ := l.take(1)
	require.True(t, l.tooEarly(batch[0]))
	l.done(batch, 0)
	none, in := l.take(3)
	require.Empty(t, none)
	require.LessOrEqual(t, in, firstPause)
	require.Eventually(t, func() bool { batch, _ = l.take(3); return len(batch) > 0 }, time.Minute, time.Millisecond)
	for i, a := range batch {
		require.Equal(t, ids[i], a.event.ID)
	}
	batch[0].key.early = time.Now().Add(-2 * patience)
	require.False(t, l.tooEarly(batch[0]), "it has waited for too long")
	l.punctual(batch[:1])
	require.True(t, l.tooEarly(batch[1]))
}
