package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/problem"
)

func TestARepetitionGetsTheFirstAnswerAndHasNoEffect(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	first := r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	require.Empty(t, first.Header.Get("Idempotency-Replayed"))
	for _, key := range []string{"k-1", `"k-1"`} {
		again := r.Want(t, http.StatusCreated, making(r.owner.Token, key, "one"))
		require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		require.Equal(t, first.Body, again.Body)
		require.NotEqual(t, first.Header.Get("X-Request-Id"), again.Header.Get("X-Request-Id"))
		first.Header["X-Request-Id"], again.Header["X-Request-Id"] = nil, nil
		again.Header.Del("Idempotency-Replayed")
		require.Equal(t, first.Header, again.Header, "also ETag, Location and what protects every answer")
	}
	require.Equal(t, map[string]int{"one": 1}, r.effects(t))
	require.Len(t, r.Rows(t, "SELECT id FROM audit_events WHERE permission = 'probe.thing.make'"), 1)
}

func TestWithoutAKeyEveryRequestHasItsEffect(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	plain := testapp.Call{Method: "POST", Path: thingsPath, Token: r.owner.Token, Body: fields{"text": "one"}}
	r.Want(t, http.StatusCreated, plain)
	require.Empty(t, r.Want(t, http.StatusCreated, plain).Header.Get("Idempotency-Replayed"))
	require.Equal(t, map[string]int{"one": 2}, r.effects(t))
	require.Empty(t, r.Rows(t, "SELECT id FROM idempotency_answers"))
}

func TestAKeyBelongsToOneRequest(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	one := making(r.owner.Token, "k-1", "one")
	r.Want(t, http.StatusCreated, one)
	for name, change := range map[string]func(*testapp.Call){
		"another body":      func(c *testapp.Call) { c.Body = fields{"text": "two"} },
		"another spelling":  func(c *testapp.Call) { c.Body = `{"text":  "one"}` },
		"no body":           func(c *testapp.Call) { c.Body = nil },
		"another query":     func(c *testapp.Call) { c.Path += "?shape=round" },
		"another header":    func(c *testapp.Call) { c.Header["X-Color"] = "red" },
		"another method":    func(c *testapp.Call) { c.Method = "PATCH" },
		"another operation": func(c *testapp.Call) { c.Path, c.Body = "/api/v1/blog/posts", fields{"title": "t", "content": "c"} },
	} {
		call := one
		call.Header = map[string]string{"Idempotency-Key": "k-1"}
		change(&call)
		require.Equal(t, "idempotency.mismatch", r.Want(t, http.StatusUnprocessableEntity, call).Code(t), name)
	}
	require.Equal(t, map[string]int{"one": 1}, r.effects(t))
	require.Empty(t, r.Rows(t, "SELECT id FROM blog_posts"))
	r.Want(t, http.StatusCreated, one)
}

func TestAMalformedKeyIsRefused(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	for name, values := range map[string][]string{
		"empty": {""}, "quotes alone": {`""`}, "a space": {"a b"}, "beyond ASCII": {"schlüssel"}, "a line break": {"a\r\nSet-Cookie: b"},
		"NUL": {"a\x00"}, "10 KB": {strings.Repeat("k", 10<<10)}, "256 characters": {strings.Repeat("k", 256)}, "no end": {`"abc`},
		"text behind": {`"abc"d`}, "a parameter": {`"abc";a=1`}, "another escape": {`"a\bc"`}, "an escape at the end": {`"abc\`}, "two": {"a", "a"},
		"10 KB of quotes": {`"` + strings.Repeat(`\"`, 5<<10) + `"`},
	} {
		call := keyedRequest(t, r, values...)
		answer := r.Send(t, call)
		require.Equal(t, http.StatusBadRequest, answer.Status, name)
		require.Equal(t, "idempotency.key_malformed", answer.Code(t), name)
	}
	require.Empty(t, r.effects(t))
	for _, key := range []string{strings.Repeat("k", 255), `"` + strings.Repeat(`\"`, 255) + `"`, "~!#", `a"b`} {
		require.Equal(t, http.StatusCreated, r.Send(t, keyedRequest(t, r, key)).Status, key)
	}
	require.Equal(t, "true", r.Send(t, keyedRequest(t, r, `"a\"b"`)).Header.Get("Idempotency-Replayed"), "both forms are one key")
}

func TestWhatFailsLeavesTheKeyFree(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	refused := problem.New(problem.Conflict, "probe.refused", "No")
	for name, after := range map[string]func(context.Context, string) (any, error){
		"a refusal":                         func(context.Context, string) (any, error) { return nil, refused },
		"an error":                          func(context.Context, string) (any, error) { return nil, errors.New("no") },
		"a panic":                           func(context.Context, string) (any, error) { panic("no") },
		"an answer that cannot be rendered": func(context.Context, string) (any, error) { return made{broken: errors.New("no")}, nil },
		"what is no response":               func(context.Context, string) (any, error) { return struct{}{}, nil },
	} {
		r.after = after
		require.GreaterOrEqual(t, r.Do(t, making(r.owner.Token, "k-1", "one")).Status, 400, name)
		require.Empty(t, r.effects(t), name)
		require.Empty(t, r.Rows(t, "SELECT id FROM idempotency_answers"), name)
	}
	r.after = nil
	require.Empty(t, r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "two")).Header.Get("Idempotency-Replayed"))
	require.Equal(t, map[string]int{"two": 1}, r.effects(t))
}

func TestARepetitionDoesNotWaitForTheRequest(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	begun, end, first := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	r.after = func(_ context.Context, text string) (any, error) {
		close(begun)
		<-end
		return made{text: text}, nil
	}
	go func() { first <- r.Do(t, making(r.owner.Token, "k-1", "one")).Status }()
	<-begun
	for _, text := range []string{"one", "two"} {
		answer := r.Want(t, http.StatusConflict, making(r.owner.Token, "k-1", text))
		require.Equal(t, "idempotency.running", answer.Code(t))
		require.Equal(t, "1", answer.Header.Get("Retry-After"))
	}
	if testapp.Postgres() { // where another replica sees the lock
		other := replica(t, r.DatabaseURL())
		require.Equal(t, "idempotency.running", other.Want(t, http.StatusConflict, making(r.owner.Token, "k-1", "one")).Code(t))
	}
	close(end)
	require.Equal(t, http.StatusCreated, <-first)
	require.Equal(t, "true", r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one")).Header.Get("Idempotency-Replayed"))
	require.Len(t, r.Rows(t, "SELECT id FROM audit_events WHERE permission = 'probe.thing.make'"), 1, "nothing was attempted in between")
}

func TestOperationsThatOpenTheirOwnTransactionsIgnoreTheKey(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	for _, ignoring := range []testapp.Call{{Method: "POST", Path: "/api/v1/probe/manual"}, {Method: "PUT", Path: thingsPath}} {
		call := making(r.owner.Token, "k-1", ignoring.Method)
		call.Method, call.Path = ignoring.Method, ignoring.Path
		r.Want(t, http.StatusCreated, call)
		require.Empty(t, r.Want(t, http.StatusCreated, call).Header.Get("Idempotency-Replayed"))
	}
	require.Equal(t, map[string]int{"POST": 2, "PUT": 2}, r.effects(t))
}

func TestAnAnswerTooLargeToKeepIsNotGivenTwiceAndNorIsItsEffect(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t, "idempotency.max_answer_bytes=8")
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	answer := r.Want(t, http.StatusConflict, making(r.owner.Token, "k-1", "one"))
	require.Equal(t, "idempotency.answer_not_kept", answer.Code(t))
	require.Empty(t, answer.Header.Get("Retry-After"))
	require.Equal(t, map[string]int{"one": 1}, r.effects(t))
}

func TestAKeyIsFreeAgainWhenItsAnswerHasExpired(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t, "idempotency.retention=1h")
	before := time.Now()
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	row := r.Rows(t, "SELECT expires_ms - "+millis(before.Add(time.Hour))+" AS late FROM idempotency_answers")[0]
	require.NotContains(t, row["late"], "-", "it was kept for at least an hour")
	expire := func() { r.Tamper(t, "UPDATE idempotency_answers SET expires_ms = "+millis(time.Now())) }
	expire()
	require.Empty(t, r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "two")).Header.Get("Idempotency-Replayed"))
	require.Equal(t, map[string]int{"one": 1, "two": 1}, r.effects(t))
	require.Equal(t, "true", r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "two")).Header.Get("Idempotency-Replayed"))

	expire()
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-2", "three"))
	n, err := r.answers.Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "true", r.Want(t, http.StatusCreated, making(r.owner.Token, "k-2", "three")).Header.Get("Idempotency-Replayed"))
}
