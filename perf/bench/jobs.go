package main

import (
	"context"
	"fmt"
)

// jobs measures what each engine gets done, beside its library alone in the same run, and what fairness costs.
func jobs(ctx context.Context, count int) ([]row, error) {
	var rows []row
	for _, on := range []struct{ name, dialect string }{{"SQLite", "sqlite"}, {"Postgres", "postgres"}} {
		took, err := run(ctx, "./internal/jobs", "^BenchmarkJobs$", count, "PLATFORM_TEST_DATABASE="+on.dialect)
		if err != nil && on.dialect == "postgres" { // the benchmark is skipped when no Postgres answers
			return append(rows, row{what: "jobs, Postgres", value: "not measured: no Postgres answers"}), nil
		}
		if err != nil {
			return nil, err
		}
		for _, engine := range []struct{ name, alone string }{{"database", "river"}, {"redis", "asynq"}} {
			ours, alone := took["Jobs/"+engine.name].own["jobs/s"], took["Jobs/"+engine.alone].own["jobs/s"]
			if ours == 0 || alone == 0 { // there is no redis-server
				continue
			}
			peer := fmt.Sprintf("%s alone %.0f a second", engine.alone, alone)
			if kept := took["Jobs/"+engine.alone+"_rows"].own["jobs/s"]; kept != 0 {
				peer += fmt.Sprintf(", with a bare row for each job %.0f", kept)
			}
			fair := took["Jobs/"+engine.name+"_fair"].own["jobs/s"]
			rows = append(rows,
				row{
					what:  fmt.Sprintf("jobs, engine %s on %s", engine.name, on.name),
					value: fmt.Sprintf("%.0f a second, %.0f %%", ours, 100*ours/alone), limit: "≥ 80 %",
					peer: peer,
				},
				row{
					what:  fmt.Sprintf("the same with fairness on, %s on %s", engine.name, on.name),
					value: fmt.Sprintf("%.0f a second, %.0f %%", fair, 100*fair/ours), peer: "without fairness",
				})
		}
	}
	return rows, nil
}
