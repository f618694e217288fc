package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/job"
)

// trace has the database itself note every change of a state, whoever makes it.
func trace(t *testing.T, app *testapp.App) {
	t.Helper()
	app.Tamper(t, "CREATE TABLE probe_changes (id text NOT NULL, before bigint NOT NULL, after bigint NOT NULL)")
	if testapp.Postgres() {
		app.Tamper(t, `CREATE FUNCTION probe_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO probe_changes VALUES (OLD.id, OLD.state, NEW.state); RETURN NULL; END $$`,
			"CREATE TRIGGER probe_changed AFTER UPDATE ON jobs_jobs FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION probe_note()",
			"GRANT ALL ON probe_changes TO platform_app")
		return
	}
	app.Tamper(t, `CREATE TRIGGER probe_changed AFTER UPDATE ON jobs_jobs FOR EACH ROW WHEN OLD.state <> NEW.state BEGIN
INSERT INTO probe_changes VALUES (OLD.id, OLD.state, NEW.state); END`)
}

func TestNoForbiddenChangeOfAStateIsEverStored(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		p := does(func(ctx context.Context, w work) error {
			switch w.N % 6 {
			case 0:
				return errors.New("no")
			case 1:
				return job.Later(time.Millisecond, errors.New("later"))
			case 2:
				return job.Complete(ctx, nil)
			case 3:
				panic("oh")
			case 4:
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(20 * time.Millisecond):
				}
			}
			return nil
		}, job.MaxAttempts(2))
		first := newRig(t, p, set...)
		trace(t, first.App)
		rigs := []*rig{first, sharedRig(t, p, first.DatabaseURL(), set...)}
		var known []uuid.UUID
		expected := func(err error) {
			if !errors.Is(err, job.ErrState) && !errors.Is(err, job.ErrNotFound) {
				require.NoError(t, err)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			r := rigs[rapid.IntRange(0, 1).Draw(rt, "replica")]
			pick := func() uuid.UUID { return known[rapid.IntRange(0, len(known)-1).Draw(rt, "job")] }
			action := rapid.IntRange(0, 9).Draw(rt, "action")
			switch {
			case len(known) < 5 || action < 4:
				opts := []job.Option{job.In(time.Duration(rapid.IntRange(0, 2).Draw(rt, "delay")) * 10 * time.Millisecond)}
				if action == 3 {
					opts = append(opts, job.Before(time.Now().Add(30*time.Millisecond)))
				}
				known = append(known, r.enqueue(t, work{N: rapid.IntRange(0, 5).Draw(rt, "behaviour")}, opts...))
			case action < 6:
				expected(r.inspector.Cancel(t.Context(), pick()))
			case action < 8:
				expected(r.inspector.Retry(t.Context(), pick()))
			case action == 8:
				expected(r.inspector.Delete(t.Context(), pick()))
			default: // a replica is believed dead
				first.Tamper(t, "UPDATE jobs_replicas SET seen_ms = 0")
			}
		})
		allowed := jobs.Transitions()
		changes := first.Rows(t, "SELECT before, after, count(*) AS n FROM probe_changes GROUP BY before, after")
		require.GreaterOrEqual(t, len(changes), 5, "the test has hardly changed anything: %v", changes)
		for _, c := range changes {
			before, after := name(t, c["before"]), name(t, c["after"])
			require.True(t, slices.Contains(allowed[before], after), fmt.Sprintf("%s became %s, %s times", before, after, c["n"]))
		}
	})
}

func name(t *testing.T, state string) string {
	t.Helper()
	n, err := strconv.Atoi(state)
	require.NoError(t, err)
	return jobs.StateName(n)
}
