package nats

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module declares the settings. Whoever carries events by NATS connects.
var Module = fx.Module("nats", module.Config("nats", DefaultConfig()))
