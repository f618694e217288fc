package kafka

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module declares the settings. Whoever carries events by Kafka connects.
var Module = fx.Module("kafka", module.Config("kafka", DefaultConfig()))
