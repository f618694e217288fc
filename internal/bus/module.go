package bus

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/kafka"
	"github.com/yourorg/platform/internal/infra/nats"
	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/infra/redisstreams"
	"github.com/yourorg/platform/internal/outbox"
)

// Module provides the broker of the configuration, and who receives from it.
var Module = fx.Module("bus", nats.Module, redisstreams.Module, kafka.Module,
	fx.Provide(provideBrokers, provideCarrier, provideBroker, provideConsumers))

func provideBrokers(n nats.Config, r redis.Config, s redisstreams.Config, k kafka.Config) Brokers {
	return Brokers{NATS: n, Redis: r, Streams: s, Kafka: k}
}

func provideCarrier(cfg outbox.Config, b Brokers, log *zap.Logger, lc fx.Lifecycle) (Carrier, error) {
	carrier, closer, err := Open(cfg.Broker(), b, log)
	if closer != nil {
		lc.Append(fx.StopHook(closer.Close))
	}
	return carrier, err
}

func provideBroker(c Carrier) outbox.Broker {
	if c == nil {
		return nil
	}
	return NewBroker(c)
}

func provideConsumers(lc fx.Lifecycle, c Carrier, o *outbox.Outbox, log *zap.Logger, _ outbox.Bound) *Consumers {
	consumers := NewConsumers(c, outbox.NewInbox(o), log.Named("events"))
	lc.Append(fx.StartStopHook(consumers.Start, consumers.Stop))
	return consumers
}
