package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/lifecycle"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/telemetry"
)

// limits are the times that a process has.
type limits struct {
	start time.Duration // for each part, unless it allows itself more
	stop  time.Duration // for all of them together, also when one fails to start
}

// run starts the graph, waits for a signal and stops it. A second signal ends the process at once.
func run(ctx context.Context, b *banner, within limits, opts ...fx.Option) error {
	var reloader *reload.Reloader
	var log *zap.Logger
	parts := lifecycle.New(within.start, within.stop)
	a := fx.New(append(opts,
		fx.Populate(&reloader, &log),
		fx.WithLogger(func(log *zap.Logger) fxevent.Logger { return telemetry.Failures{Log: log, Parts: parts} }),
		fx.Invoke(func(lc fx.Lifecycle, log *zap.Logger) {
			restore := telemetry.Capture(log)
			lc.Append(fx.StopHook(restore))
		}),
	)...)
	if err := a.Err(); err != nil {
		return dig.RootCause(err)
	}
	ignore := reloadOnHangup(ctx, reloader)
	defer ignore()
	stopping := a.Wait() // from here on, so that no signal falls between the start and the wait
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if interrupted, err := start(ctx, a, parts); err != nil {
		b.notices() // a password that was made up is not made up again
		if interrupted {
			return nil // it was asked to stop, and does
		}
		return fmt.Errorf("start: %w", err)
	}
	b.show()
	signalled := <-stopping
	ignore()
	stopped := make(chan struct{})
	defer close(stopped)
	go hurry(signals, signalled.ExitCode == 0, stopped, log)
	began := time.Now()
	log.Info("stopping", zap.String("why", why(signalled)), zap.Duration("within", within.stop))
	if err := stop(context.WithoutCancel(ctx), a, parts, within.stop); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	log.Info("stopped", zap.Duration("took", time.Since(began))) // or nobody could tell it from a kill -9
	if signalled.ExitCode != 0 {
		return fmt.Errorf("ended with code %d, see the log", signalled.ExitCode)
	}
	return nil
}

func why(s fx.ShutdownSignal) string {
	if s.Signal == nil {
		return "a part has failed"
	}
	return s.Signal.String()
}

// start tells whether a signal has interrupted it. An error names the part that failed, or took too long.
func start(ctx context.Context, a *fx.App, parts *lifecycle.Parts) (interrupted bool, err error) {
	asked, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	starting, done := parts.Starting(asked)
	defer done()
	err = a.Start(starting)
	if why := parts.Why(starting); why != nil {
		return false, why // a signal during the rest of it changes nothing
	}
	return asked.Err() != nil, err
}

// stop stops all parts. The error names the one that has used up the time.
func stop(ctx context.Context, a *fx.App, parts *lifecycle.Parts, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := a.Stop(ctx)
	if ctx.Err() != nil {
		return &lifecycle.Overdue{Part: parts.Current(), Allowed: within}
	}
	return err
}

// hurry ends the process at the next signal, with the code that a shell gives one that was ended by it. The first signal
// is skipped where it is what the process stops for.
func hurry(signals <-chan os.Signal, skip bool, stopped <-chan struct{}, log *zap.Logger) {
	for {
		select {
		case <-stopped:
			return
		case s := <-signals:
			if skip {
				skip = false
				continue
			}
			log.Warn("a second signal ends the process at once", zap.Stringer("signal", s))
			os.Exit(128 + int(s.(syscall.Signal)))
		}
	}
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
