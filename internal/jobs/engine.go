package jobs

import (
	"errors"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/asynq"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/infra/river"
	"github.com/yourorg/platform/internal/jobs/carrier"
)

// newCarrier makes the engine that the configuration names.
func newCarrier(cfg Config, d *database.Driver, r redis.Config, log *zap.Logger) (carrier.Carrier, error) {
	switch {
	case cfg.Engine == Database, cfg.Engine == Auto && !r.Configured():
		return river.New(d, cfg.PollInterval, log)
	case !r.Configured():
		return nil, errors.New("jobs.engine is redis, and redis.url is not set")
	}
	client, err := redis.Open(r)
	if err != nil {
		return nil, err
	}
	return asynq.New(client.Client, r.Prefix, log), nil
}
