package bus

import (
	"io"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/kafka"
	"github.com/yourorg/platform/internal/infra/nats"
	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/infra/redisstreams"
	"github.com/yourorg/platform/internal/outbox"
)

// Brokers are the settings of those that may be chosen.
type Brokers struct {
	NATS    nats.Config
	Redis   redis.Config
	Streams redisstreams.Config
	Kafka   kafka.Config
}

// Open connects to the carrier of that name, which may be away. Whoever opens it closes it. It is nil in one process.
func Open(name string, b Brokers, log *zap.Logger) (Carrier, io.Closer, error) {
	log = log.Named(name)
	switch name {
	case outbox.NATS:
		s, err := nats.New(b.NATS, log)
		return opened(s, err)
	case outbox.Redis:
		client, err := redis.Open(b.Redis)
		if err != nil {
			return nil, nil, err
		}
		return opened(redisstreams.New(b.Streams, client, log), nil)
	case outbox.Kafka:
		c, err := kafka.New(b.Kafka, OrderKey, log)
		return opened(c, err)
	}
	return nil, nil, nil
}

// opened keeps a nil pointer from becoming a carrier.
func opened[C Carrier](c C, err error) (Carrier, io.Closer, error) {
	if err != nil {
		return nil, nil, err
	}
	return c, c, nil
}
