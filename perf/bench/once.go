package main

import (
	"context"
	"fmt"
)

// statements is how often a request asks the database, with begin and commit.
func statements(r result) float64 { return r.own["statements/op"] }

// once shows what a POST costs with a key for idempotency.
func once(took map[string]result) []row {
	plain, fresh, replayed := took["Post/plain"], took["Post/new_key"], took["Post/replayed"]
	value := func(r result) string { return fmt.Sprintf("%s, %.1f statements", r, statements(r)) }
	return []row{
		{what: "POST /api/v1/blog/posts without a key", value: value(plain)},
		{
			what: "the same with a new Idempotency-Key", value: value(fresh),
			peer: fmt.Sprintf("%+.1f statements, %+.0f %% of time", statements(fresh)-statements(plain), 100*(fresh.nanoseconds/plain.nanoseconds-1)),
		},
		{what: "the same replayed", value: value(replayed)},
	}
}

// trips shows what a key costs of round trips: the look for the answer. The answer is kept in one flight with the commit, so that
// there are fewer of them than statements.
func trips(ctx context.Context) row {
	r := row{what: "work with an Idempotency-Key, Postgres", value: "not measured: no Postgres answers", limit: "≤ 1 round trip more"}
	took, err := run(ctx, "./internal/idempotency", "^BenchmarkTrips$", 1, "PLATFORM_TEST_DATABASE=postgres")
	if err == nil {
		with, without := took["Trips"].own["keyed-trips/op"], took["Trips"].own["plain-trips/op"]
		r.value, r.peer = fmt.Sprintf("%.1f round trips", with), fmt.Sprintf("without a key %.1f", without)
	}
	return r
}

// untraced is the share that tracing has of a request while it is off: one span for the request, and one for each statement,
// begin and commit too.
func untraced(off map[string]result, what string, request result, statements float64) row {
	cost := off["Off/begin"].nanoseconds + statements*off["Off/statement"].nanoseconds
	return row{
		what: "tracing that is off: " + what, value: fmt.Sprintf("%.2f %%, %s", 100*cost/request.nanoseconds, duration(cost)), limit: "< 1 %",
		peer: fmt.Sprintf("of %s; a statement %s", duration(request.nanoseconds), off["Off/statement"]),
	}
}
