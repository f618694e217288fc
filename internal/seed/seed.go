// Package seed puts in place what must exist before the first request.
package seed

import (
	"context"
	"fmt"
	"sync"

	"github.com/yourorg/platform/pkg/module"
)

// Seeds runs the seeders of every module, and keeps what the operator should read.
type Seeds struct {
	seeders []module.Seeder

	mu      sync.Mutex
	notices []string
}

// New takes the seeders in any order; they do not depend on each other.
func New(seeders ...module.Seeder) *Seeds { return &Seeds{seeders: seeders} }

// Run seeds. It is called after the migrations, at every start.
func (s *Seeds) Run(ctx context.Context) error {
	for _, seeder := range s.seeders {
		notice, err := seeder.Seed(ctx)
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		s.mu.Lock()
		s.notices = append(s.notices, notice...)
		s.mu.Unlock()
	}
	return nil
}

// Notices returns the lines for the operator's eyes, once: the second call has none. It may be called while Run runs.
func (s *Seeds) Notices() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	notices := s.notices
	s.notices = nil
	return notices
}
