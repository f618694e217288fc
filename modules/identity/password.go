package identity

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

// minPasswordLength is the least that any configuration may ask for (NIST SP 800-63B, section 5.1.1.2).
const minPasswordLength = 8 // characters

// maxPassword is the longest new password, in bytes.
const maxPassword = 256

// passwords hashes and checks passwords, a bounded number at a time: every hash takes megabytes of memory and a CPU,
// so that a flood of sign-ins would otherwise take the whole process. Never call it inside a transaction.
type passwords struct {
	cost      cost
	minLength int
	admitted  chan struct{} // one for each hash that runs or waits
	running   chan struct{} // one for each hash that runs
}

func newPasswords(cfg Config) *passwords {
	workers := cfg.Password.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &passwords{
		cost: cost{
			memory:      uint32(cfg.Password.MemoryKiB),
			iterations:  uint32(cfg.Password.Iterations),
			parallelism: uint8(cfg.Password.Parallelism),
		},
		minLength: cfg.Password.MinLength,
		admitted:  make(chan struct{}, workers+cfg.Password.Queue),
		running:   make(chan struct{}, workers),
	}
}

// hash returns the PHC string of password.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	var h phc
	if err := p.run(ctx, func() { h = derive(password, p.cost) }); err != nil {
		return "", err
	}
	return h.String(), nil
}

// verify tells whether password has the given hash. An empty hash, which stands for a user who does not exist, matches
// nothing and takes as long as any other.
func (p *passwords) verify(ctx context.Context, password, stored string) (bool, error) {
	if stored == "" {
		return false, p.run(ctx, func() { derive(password, p.cost) })
	}
	if imported(stored) {
		return p.verifyImported(ctx, password, stored)
	}
	h, err := parsePHC(stored)
	if err != nil {
		return false, err
	}
	var ok bool
	err = p.run(ctx, func() { ok = h.matches(password) })
	return ok, err
}

// run waits for its turn, as long as ctx allows. When too many wait already it answers ErrPasswordBusy at once.
func (p *passwords) run(ctx context.Context, work func()) error {
	select {
	case p.admitted <- struct{}{}:
	default:
		return identityapi.ErrPasswordBusy.After(time.Second)
	}
	defer func() { <-p.admitted }()
	select {
	case p.running <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for the password pool: %w", ctx.Err())
	}
	defer func() { <-p.running }()
	if err := ctx.Err(); err != nil { // both cases may have been ready, and nobody waits for the answer any more
		return fmt.Errorf("wait for the password pool: %w", err)
	}
	work()
	return nil
}
