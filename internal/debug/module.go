package debug

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Module provides the pages of the management listener.
var Module = fx.Module("debug", fx.Provide(func() *Routes { return &Routes{} }, provide, func(d *Debug) management.Pages { return d.Mount }))

type deps struct {
	fx.In
	Log       *zap.Logger
	Env       config.Environment
	Reloader  *reload.Reloader
	Level     *telemetry.Level
	Routes    *Routes
	Events    event.Inspector
	Jobs      job.Inspector
	Tokens    auth.Authenticator
	Access    authz.Authorizer
	Operators tenant.Operators
	Audit     audit.Recorder
	Tx        tx.Runner
}

func provide(d deps) *Debug {
	return New(Deps{
		d.Log.Named("debug"), d.Env, d.Reloader, d.Level, d.Routes, d.Events, d.Jobs, d.Tokens, d.Access, d.Operators, d.Audit, d.Tx,
	})
}
