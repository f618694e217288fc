package main

import (
	"context"
	"fmt"
)

// events measures the way from the outbox to a subscriber in the same process, on both databases: what gets through when
// the writers never rest, and how long an event takes at a rate below that; and how fast a backlog gets through each
// broker that is installed.
func events(ctx context.Context, count int) ([]row, error) {
	var rows []row
	for _, on := range []struct{ name, dialect, peak, steady string }{
		{name: "SQLite", dialect: "sqlite"},
		{name: "Postgres", dialect: "postgres", peak: "≥ 5,000 a second", steady: "p99 ≤ 50 ms"},
	} {
		took, err := run(ctx, "./internal/outbox", "^Benchmark(Outbox|Carried)$", count, "PLATFORM_TEST_DATABASE="+on.dialect)
		if err != nil && on.dialect == "postgres" { // the benchmark is skipped when no Postgres answers
			rows = append(rows, row{what: "events, outbox → subscriber, Postgres", value: "not measured: no Postgres answers", limit: on.peak})
			continue
		}
		if err != nil {
			return nil, err
		}
		peak, steady := took["Outbox/peak"].own, took["Outbox/steady"].own
		rows = append(rows,
			row{what: "events, outbox → subscriber, " + on.name, value: fmt.Sprintf("%.0f a second", peak["events/s"]), limit: on.peak},
			row{
				what:  fmt.Sprintf("events at a steady rate, %s", on.name),
				value: fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", steady["p50-ms"], steady["p99-ms"]), limit: on.steady,
				peer: fmt.Sprintf("at %.0f a second", steady["events/s"]),
			})
		for _, broker := range []string{"nats", "redis", "kafka"} {
			if through, ok := took["Carried/"+broker]; ok {
				rows = append(rows, row{what: fmt.Sprintf("backlog of events through %s, %s", broker, on.name), value: fmt.Sprintf("%.0f a second", through.own["events/s"])})
			}
		}
	}
	return rows, nil
}
