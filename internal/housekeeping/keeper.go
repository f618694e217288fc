// Package housekeeping removes what has expired, from time to time.
package housekeeping

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// Config is the "housekeeping" section of the configuration.
type Config struct {
	// Interval is the pause between two rounds. Replicas tidy at the same time without harm.
	Interval time.Duration `mapstructure:"interval"`
}

// DefaultConfig tidies every five minutes.
func DefaultConfig() Config { return Config{Interval: 5 * time.Minute} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	if c.Interval < time.Second {
		return config.Invalid("interval", "must be at least 1s")
	}
	return nil
}

// Keeper calls the housekeepers of every module.
type Keeper struct {
	cfg     Config
	log     *zap.Logger
	keepers []module.Housekeeper
	stop    context.CancelFunc
	done    chan struct{}
}

// New refuses two housekeepers of one name.
func New(cfg Config, log *zap.Logger, keepers ...module.Housekeeper) (*Keeper, error) {
	keepers = slices.SortedFunc(slices.Values(keepers), func(a, b module.Housekeeper) int { return strings.Compare(a.Name(), b.Name()) })
	for i := 1; i < len(keepers); i++ {
		if keepers[i].Name() == keepers[i-1].Name() {
			return nil, fmt.Errorf("two housekeepers are called %s", keepers[i].Name())
		}
	}
	return &Keeper{cfg: cfg, log: log, keepers: keepers}, nil
}

// Start begins with a round after a random part of the interval, so that replicas that start together spread out.
func (k *Keeper) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	k.stop, k.done = cancel, make(chan struct{})
	go func() {
		defer close(k.done)
		timer := time.NewTimer(rand.N(k.cfg.Interval))
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
				k.Tidy(ctx)
				timer.Reset(k.cfg.Interval)
			}
		}
	}()
	return nil
}

// Stop waits for the round that is under way.
func (k *Keeper) Stop(ctx context.Context) error {
	k.stop()
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("housekeeping did not stop: %w", ctx.Err())
	}
}

// Tidy runs one round. A housekeeper that fails is logged and tried again in the next round.
func (k *Keeper) Tidy(ctx context.Context) {
	for _, keeper := range k.keepers {
		switch n, err := keeper.Tidy(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			k.log.Error("housekeeping failed", zap.String("of", keeper.Name()), zap.Error(err))
		case n > 0:
			k.log.Info("expired rows removed", zap.String("of", keeper.Name()), zap.Int("rows", n))
		}
	}
}
