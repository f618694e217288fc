package jobs

import "github.com/yourorg/platform/pkg/job"

// The states of a job as they are kept. The statements and the partial indexes say them as numbers.
const (
	queued    = 0
	running   = 2
	failed    = 4
	canceled  = 5
	completed = 6
	scheduled = 7 // from here on a job waits for its time
	retrying  = 8
)

var stateNames = [...]string{
	queued: job.Queued, running: job.Running, failed: job.Failed, canceled: job.Canceled, completed: job.Completed,
	scheduled: job.Scheduled, retrying: job.Retrying,
}

// transitions is the machine: what may follow each state. Every statement that changes a state demands the one before.
var transitions = map[int][]int{
	scheduled: {queued, failed, canceled},                      // its time has come; its deadline has passed
	queued:    {running, failed, canceled},                     // it is begun; its deadline has passed
	running:   {completed, retrying, failed, canceled, queued}, // how an attempt ends; queued when it was given back or lost
	retrying:  {queued, failed, canceled},                      // its time has come; its deadline has passed
	failed:    {queued},                                        // somebody wants it tried again
	canceled:  {queued},                                        // likewise
	completed: {},                                              // the end
}

// stateOf returns the number of a state.
func stateOf(name string) (int, bool) {
	for n, known := range stateNames {
		if known == name && name != "" {
			return n, true
		}
	}
	return 0, false
}

func done(state int) bool { return state == failed || state == canceled || state == completed }
