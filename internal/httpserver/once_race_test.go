package httpserver_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

const callers = 8 // of each key, at once

func TestOfRequestsAtOnceOneIsDone(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	replicas := []*workshop{r}
	if testapp.Postgres() {
		replicas = append(replicas, replica(t, r.DatabaseURL()))
	}
	tally := race(t, 200, r.owner.Token, replicas...)
	require.Equal(t, 200, tally[first])
	r.onceEach(t, 200)
}

// How a request of a race may be answered.
const (
	first = iota
	replayed
	running
)

// race sends each key by eight callers at once, over the replicas in turn and four keys at a time, and tells how often
// each answer came. There is
// no other answer, and every repetition of one is the same.
func race(t *testing.T, keys int, token string, replicas ...*workshop) (tally [3]int) {
	t.Helper()
	var counts [3]atomic.Int64
	one := func(key int) {
		text := fmt.Sprint(key)
		var all sync.WaitGroup
		start := make(chan struct{})
		for n := range callers {
			all.Go(func() {
				<-start
				answer := replicas[(n+key)%len(replicas)].Do(t, making(token, "race-"+text, text))
				switch {
				case answer.Status == http.StatusConflict && answer.Code(t) == "idempotency.running":
					counts[running].Add(1)
				case answer.Status != http.StatusCreated || string(answer.Body) != `{"text":"`+text+"\"}\n":
					t.Errorf("key %d: %d %s", key, answer.Status, answer.Body)
				case answer.Header.Get("Idempotency-Replayed") == "true":
					counts[replayed].Add(1)
				default:
					counts[first].Add(1)
				}
			})
		}
		close(start)
		all.Wait()
	}
	var next atomic.Int64
	var lanes sync.WaitGroup
	for range 4 {
		lanes.Go(func() {
			for key := int(next.Add(1)); key <= keys; key = int(next.Add(1)) {
				one(key)
			}
		})
	}
	lanes.Wait()
	for i := range counts {
		tally[i] = int(counts[i].Load())
	}
	t.Logf("%d keys × %d callers: %d first answers, %d replayed, %d told that it runs", keys, callers, tally[first], tally[replayed], tally[running])
	return tally
}

func (r *workshop) onceEach(t *testing.T, keys int) {
	t.Helper()
	effects := r.effects(t)
	require.Len(t, effects, keys)
	for text, n := range effects {
		require.Equal(t, 1, n, "key %s", text)
	}
	require.Len(t, r.Rows(t, "SELECT id FROM idempotency_answers"), keys)
}

// The work of some is undone: the next of the eight may do it then, and no two of them.
func TestOfRequestsAtOnceOneIsDoneAlsoWhenSomeFail(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	r.after = func(_ context.Context, text string) (any, error) {
		if rand.N(2) == 0 {
			return nil, context.Canceled
		}
		return made{text: text}, nil
	}
	won := map[string]int{}
	for key := range 50 {
		text := fmt.Sprint(key)
		var all sync.WaitGroup
		var wins atomic.Int64
		for range callers {
			all.Go(func() {
				answer := r.Do(t, making(r.owner.Token, "race-"+text, text))
				if answer.Status == http.StatusCreated && answer.Header.Get("Idempotency-Replayed") == "" {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		if n := wins.Load(); n > 0 {
			won[text] = int(n)
			require.EqualValues(t, 1, n, "key %d", key)
		}
	}
	require.NotEmpty(t, won)
	require.Equal(t, won, r.effects(t))
}

// What another replica commits after this one has looked, and before it has the lock, is noticed when the answer is kept.
// SQLite has no such moment: whoever has its one writer sees everything.
func TestWorkThatAnotherReplicaHasDoneMeanwhileIsUndone(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	if !testapp.Postgres() {
		t.Skip("Postgres only")
	}
	for name, ending := range map[string]error{"the work succeeds": nil, "the work fails": context.Canceled} {
		key := strings.ReplaceAll(name, " ", "-")
		r.after = nil
		r.Want(t, http.StatusCreated, making(r.owner.Token, key, name))
		r.Tamper(t, "DROP TABLE IF EXISTS hidden", "CREATE TABLE hidden AS SELECT * FROM idempotency_answers", "DELETE FROM idempotency_answers")
		r.after = func(_ context.Context, text string) (any, error) {
			r.Tamper(t, "INSERT INTO idempotency_answers SELECT * FROM hidden")
			return made{text: "not " + text}, ending
		}
		answer := r.Want(t, http.StatusCreated, making(r.owner.Token, key, name))
		require.Equal(t, "true", answer.Header.Get("Idempotency-Replayed"), name)
		require.JSONEq(t, `{"text": "`+name+`"}`, string(answer.Body))
		require.Equal(t, 1, r.effects(t)[name])
	}
}

// An expired answer may come between too, or come back: nobody's work is done twice for it.
func TestAnExpiredAnswerThatTurnsUpMeanwhileIsNotedToo(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	if !testapp.Postgres() {
		t.Skip("Postgres only")
	}
	tampered := func(statements ...string) func(context.Context, string) (any, error) {
		return func(_ context.Context, text string) (any, error) {
			r.Tamper(t, statements...)
			return made{text: text}, nil
		}
	}
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	r.Tamper(t, "CREATE TABLE hidden AS SELECT * FROM idempotency_answers", "UPDATE hidden SET expires_ms = 1", "DELETE FROM idempotency_answers")
	r.after = tampered("INSERT INTO idempotency_answers SELECT * FROM hidden")
	require.Equal(t, "idempotency.running", r.Want(t, http.StatusConflict, making(r.owner.Token, "k-1", "one")).Code(t), "try again")
	require.Equal(t, map[string]int{"one": 1}, r.effects(t))

	r.after = tampered("UPDATE idempotency_answers SET expires_ms = 9999999999999")
	answer := r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	require.Equal(t, "true", answer.Header.Get("Idempotency-Replayed"))
	require.Equal(t, map[string]int{"one": 1}, r.effects(t))
}
