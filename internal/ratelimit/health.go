package ratelimit

import (
	"context"
	"errors"

	"github.com/yourorg/platform/pkg/health"
)

var _ health.Optional = (*Store)(nil)

// Name is the name of the health check.
func (*Store) Name() string { return "ratelimit" }

// Optional implements health.Optional.
func (*Store) Optional() {}

// Check is degraded while Redis is to count and does not. Without a Redis there is nothing to miss.
func (s *Store) Check(context.Context) (health.Status, error) {
	if s.away.Load() {
		return health.Degraded, errors.New("Redis does not count, and " + s.meanwhile())
	}
	return health.Healthy, nil
}

// meanwhile is what happens while Redis is away. Limits other than those of callers are counted in memory in any case.
func (s *Store) meanwhile() string {
	if onError := s.onError.Load(); onError != nil {
		switch *onError {
		case onErrorAllow:
			return "callers who are signed in are not limited"
		case onErrorDeny:
			return "callers who are signed in are refused"
		}
	}
	return "every replica keeps to its limits by itself"
}
