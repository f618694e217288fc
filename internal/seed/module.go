package seed

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/module"
)

// Module runs the seeders between the migrations and the listener.
var Module = fx.Module("seed", fx.Provide(provide, provideSeeded))

func provide(lc fx.Lifecycle, seeders module.Seeders, _ database.Migrated) *Seeds {
	s := New(seeders.All...)
	lc.Append(fx.StartHook(s.Run))
	return s
}

func provideSeeded(*Seeds) httpserver.Seeded { return httpserver.Seeded{} }
