package main

import "context"

// posts measures the reading of one post on each database, beside the same query by hand.
func posts(ctx context.Context, count int) ([]row, error) {
	var rows []row
	for _, on := range []struct{ name, dialect string }{{"SQLite", "sqlite"}, {"Postgres", "postgres"}} {
		took, err := run(ctx, "./internal/httpserver", "^BenchmarkReadPost$", count, "PLATFORM_TEST_DATABASE="+on.dialect)
		what := "GET /api/v1/blog/posts/{id} over loopback, " + on.name
		if err != nil && on.dialect == "postgres" { // the benchmark is skipped when no Postgres answers
			return append(rows, row{what: what, value: "not measured: no Postgres answers"}), nil
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{
			what: what, value: took["ReadPost/platform"].String(),
			peer: "net/http and database/sql by hand " + took["ReadPost/by_hand"].String(),
		})
	}
	return rows, nil
}
