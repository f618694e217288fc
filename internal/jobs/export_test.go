package jobs

import (
	"context"
	"sync"

	"github.com/yourorg/platform/pkg/job"
)

// Transitions is the machine, by the names of the states.
func Transitions() map[string][]string {
	named := map[string][]string{}
	for from, to := range transitions {
		for _, state := range to {
			named[stateNames[from]] = append(named[stateNames[from]], stateNames[state])
		}
	}
	return named
}

// StateName is the name of a state as it is kept.
func StateName(n int) string { return stateNames[n] }

// CheckSchedule tells whether a schedule could fire.
func CheckSchedule(s job.Schedule) error {
	_, err := newPlan(s)
	return err
}

// LeadAnyway keeps and fires without the lease, until ctx ends.
func (r *Runner) LeadAnyway(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { r.schedule.run(ctx) })
	both.Go(func() { newKeeper(r.Jobs).run(ctx) })
	both.Wait()
}
