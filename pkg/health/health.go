// Package health tells whether a part of the platform can do its work.
package health

import "context"

// Status is how well a part works.
type Status string

// The statuses. Only Unhealthy takes a replica out of service.
const (
	Healthy   Status = "healthy"
	Degraded  Status = "degraded"
	Unhealthy Status = "unhealthy"
)

// Optional is a Check of a part that requests are answered without. It is never worse than degraded, whatever it answers and
// also when it does not: what makes it wait must not take every replica out of service.
type Optional interface {
	Check
	Optional()
}

// Check examines one part.
type Check interface {
	// Name is unique and lower case, such as "database".
	Name() string

	// Check returns promptly and obeys ctx. The error says why it is not healthy; it is logged and shown to
	// holders of system.health.check only.
	Check(ctx context.Context) (Status, error)
}
