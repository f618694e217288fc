package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/telemetry"
)

func serve() *cobra.Command {
	return process("serve", "Answer HTTP requests", app.Serve, true)
}

func work() *cobra.Command {
	return process("work", "Do background work: remove expired sessions and tokens", app.Work, false)
}

func all() *cobra.Command {
	return process("all", "Serve and work in one process", app.All, true)
}

func process(use, short string, root fx.Option, serves bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs, Example: "  platform " + use + "\n  platform " + use + " --set http.addr=:9000",
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := cli.Load(cmd)
			if err != nil {
				return err
			}
			b := &banner{out: cmd.OutOrStdout(), environment: loaded.Config.Environment()}
			opts := []fx.Option{app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(root)}
			if serves {
				opts = append(opts, fx.Populate(&b.server, &b.seeds))
			}
			if serves && loaded.Managed() {
				opts = append(opts, fx.Populate(&b.management))
			}
			return run(cmd.Context(), b, opts...)
		}),
	}
}

// run starts the graph, waits for a signal and stops it. A second signal ends the process at once.
func run(ctx context.Context, b *banner, opts ...fx.Option) error {
	var reloader *reload.Reloader
	a := fx.New(append(opts,
		fx.Populate(&reloader),
		fx.WithLogger(func(log *zap.Logger) fxevent.Logger { return telemetry.Failures{Log: log} }),
		fx.Invoke(func(lc fx.Lifecycle, log *zap.Logger) {
			restore := telemetry.Capture(log)
			lc.Append(fx.StopHook(restore))
		}),
		fx.StartTimeout(15*time.Minute), // migrations may take long; each dependency has a timeout of its own
		fx.StopTimeout(time.Minute),
	)...)
	if err := a.Err(); err != nil {
		return dig.RootCause(err)
	}
	ignore := reloadOnHangup(ctx, reloader)
	defer ignore()
	stopping := a.Wait() // from here on, so that no signal falls between the start and the wait
	starting, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	err := a.Start(starting)
	interrupted := starting.Err() != nil
	cancel()
	if err != nil {
		b.notices() // a password that was made up is not made up again
		if interrupted {
			return nil // it was asked to stop, and does
		}
		return fmt.Errorf("start: %w", err)
	}
	b.show()
	signalled := <-stopping
	ignore()
	go func() {
		again := make(chan os.Signal, 1)
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		<-again
		os.Exit(cli.Failed)
	}()
	if err := a.Stop(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if signalled.ExitCode != 0 {
		return fmt.Errorf("ended with code %d, see the log", signalled.ExitCode)
	}
	return nil
}

// reloadOnHangup loads the configuration again at every SIGHUP, until the function that it returns is called. From then on
// the signal does nothing: it must not end a process that finishes its requests.
func reloadOnHangup(ctx context.Context, r *reload.Reloader) (ignore func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangups:
				r.Reload(ctx, "signal")
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}
