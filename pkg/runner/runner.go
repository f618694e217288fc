// Package runner is for work that goes on beside the requests for as long as the process lives, such as reading a feed.
package runner

import "context"

// Runner is one such work. The platform runs it in "work" and "all", in every replica: what only one of them may do needs
// a lock of its own. The calls come one after the other, except Stop, which may come while Run runs: Start, Run, Stop,
// and again from Start after a failure. Every Start that succeeded is followed by one Stop.
//
// An error, a panic and a Run that returns although nobody has stopped it are failures: see Failure.
type Runner interface {
	// Name is unique, as <module>.<what>: "billing.meter".
	Name() string

	// Start opens what Run needs and returns promptly, within 30 seconds. An error at the start of the process is the
	// error of that start. It comes after the migrations and before the listener opens.
	Start(ctx context.Context) error

	// Run works until Stop is called or ctx ends, which is after Stop has returned. What it returns then, other than nil
	// and the error of ctx, makes the stop of the process fail.
	Run(ctx context.Context) error

	// Stop begins nothing more, finishes what is under way and lets go of what Start opened. When ctx ends, within 10
	// seconds, it gives up. It comes after the last request has been answered, and after a failure of Run.
	Stop(ctx context.Context) error
}

// Failure is what it means that a runner fails.
type Failure int

const (
	// Unready takes the replica out of service until the runner works again. It is started again after a pause, which
	// grows from a second to a minute, and up to half of which is random.
	Unready Failure = iota
	// Fatal ends the process, after the requests in flight, with exit code 1.
	Fatal
)

// Declared is a runner with what its failure means.
type Declared struct {
	Runner
	Failure Failure
}

// Plain has nothing to open, and its work ends with the context of Run. Embed it and write Name and Run.
type Plain struct{}

// Start does nothing.
func (Plain) Start(context.Context) error { return nil }

// Stop does nothing.
func (Plain) Stop(context.Context) error { return nil }
