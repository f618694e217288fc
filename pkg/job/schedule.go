package job

// Misfire is what happens to a tick that nobody was there for.
type Misfire string

// The misfire policies.
const (
	Skip Misfire = "skip" // it is left out
	Once Misfire = "once" // however many were missed, the job runs once as soon as possible
)

// Scheduler asks for jobs at times. Modules contribute it with module.Schedules.
type Scheduler interface {
	// Schedules are asked for once, when the process starts.
	Schedules() []Schedule
}

// Schedule asks for a job again and again, outside any tenant.
type Schedule struct {
	// Name is unique and never changes, such as "blog.nightly_digest".
	Name string

	// Spec is a cron expression of five fields, or of six with seconds in front; or "@every 90s", "@hourly", "@daily".
	Spec string

	// Zone is an IANA time zone such as "Europe/Berlin"; UTC when it is empty.
	Zone string

	Misfire Misfire // Skip when it is empty
	Args    Args
	Options []Option
}
