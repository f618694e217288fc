package runners

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/runner"
)

const (
	shortestPause = time.Second
	longestPause  = time.Minute
	grace         = time.Second // what obeys its context has returned by then
)

var (
	errReturned = errors.New("it ended although nobody has stopped it")
	errVanished = errors.New("its goroutine has exited")
)

// guest is a runner and its one goroutine, live, which makes every call after the first Start.
type guest struct {
	runner.Declared
	host  *Host
	name  string
	state *state

	told     chan struct{}   // closed when it is told to stop
	patience context.Context // how long stopping may take; set before told is closed
	over     chan struct{}   // closed when it has stopped
	farewell error           // what stopping it came to; set before over is closed
}

func newGuest(h *Host, name string, d runner.Declared) *guest {
	return &guest{Declared: d, host: h, name: name, told: make(chan struct{}), over: make(chan struct{})}
}

// begin starts it for the first time. One that ignores its context is left behind: the process ends.
func (g *guest) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- g.safely(func() error { return g.Start(ctx) }) }()
	select {
	case err := <-started:
		if err != nil {
			return fmt.Errorf("start: %w", err)
		}
		g.state.set(nil)
		go g.live()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("it did not start in time: %w", ctx.Err())
	}
}

// end tells it to stop and waits.
func (g *guest) end(ctx context.Context) error {
	g.patience = ctx
	close(g.told)
	select {
	case <-g.over:
		return g.farewell
	case <-ctx.Done():
		return fmt.Errorf("it did not stop in time: %w", ctx.Err())
	}
}

// live runs what has been started until it is told to stop, and starts it again after each failure.
func (g *guest) live() {
	defer close(g.over)
	for failures := 0; ; {
		begun := time.Now()
		failure := g.run()
		if failure == nil {
			g.state.set(errStopped)
			return
		}
		if time.Since(begun) >= longestPause {
			failures = 0
		}
		if g.Failure == runner.Fatal {
			g.die(failure)
			return
		}
		for failure != nil {
			failures++
			if failure = g.again(failures, failure); errors.Is(failure, errStopped) {
				return
			}
		}
	}
}

// run returns why it failed, or nil when it has stopped because it was told to.
func (g *guest) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		err := errVanished
		defer func() { ended <- err }()
		close(begun)
		err = g.safely(func() error { return g.Run(ctx) })
	}()
	<-begun // Stop does not come before Run
	select {
	case <-g.told:
		g.farewell = g.part(cancel, ended)
		return nil
	case failure := <-ended:
		if failure == nil {
			failure = errReturned
		}
		g.state.set(failure)
		patience, done := context.WithTimeout(context.Background(), stopTimeout)
		defer done()
		return errors.Join(failure, g.stop(patience))
	}
}

// part lets it finish what is under way, and no longer than there is patience.
func (g *guest) part(cancel context.CancelFunc, ended <-chan error) error {
	defer context.AfterFunc(g.patience, cancel)()
	err := g.stop(g.patience)
	cancel()
	if failure := <-ended; failure != nil && !errors.Is(failure, context.Canceled) {
		err = errors.Join(err, failure)
	}
	return err
}

func (g *guest) stop(ctx context.Context) error { return g.call(ctx, "stop", g.Stop) }

// call makes one of its calls. One that ignores its context is left behind where that ends the process; otherwise it is
// named and waited for, as the calls of a runner come one after the other.
func (g *guest) call(ctx context.Context, what string, fn func(context.Context) error) error {
	ended := make(chan error, 1)
	go func() {
		err := errVanished
		defer func() { ended <- err }()
		if err = g.safely(func() error { return fn(ctx) }); err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
	}
	late := fmt.Errorf("%s: it ignores its context: %w", what, ctx.Err())
	if g.Failure == runner.Fatal {
		return late
	}
	select {
	case <-g.told: // who has told it says so
	default:
		g.state.set(late)
		g.host.log.Error("a runner hangs", zap.String("runner", g.name), zap.Error(late))
	}
	return <-ended
}

// again waits and starts it once more. It returns why that failed too, or errStopped.
func (g *guest) again(failures int, failure error) error {
	g.state.set(failure)
	wait := pause(failures)
	g.host.log.Error("a runner has failed and will be started again",
		zap.String("runner", g.name), zap.Error(failure), zap.Int("failures", failures), zap.Duration("next_try", wait))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.told:
		g.state.set(errStopped)
		return errStopped
	}
	g.host.metrics.restarts.WithLabelValues(g.name).Inc()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	go func() { // stopping does not wait for a start
		select {
		case <-g.told:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := g.call(ctx, "start", g.Start); err != nil {
		return err
	}
	g.state.set(nil)
	g.host.log.Info("a runner works again", zap.String("runner", g.name))
	return nil
}

// panicked is an error that was a panic, which has been reported.
type panicked struct{ error }

// die ends the process. It has been stopped already, or does not stop.
func (g *guest) die(failure error) {
	if !errors.As(failure, new(panicked)) {
		g.host.errors.Report(context.Background(), errorbus.Report{Source: "runners", Operation: g.name, Err: failure})
	}
	g.host.log.Error("a runner has failed, which ends the process", zap.String("runner", g.name), zap.Error(failure))
	g.host.fatal()
}

// safely turns a panic into an error that is reported.
func (g *guest) safely(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{fmt.Errorf("panic: %v", p)}
			g.host.errors.Report(context.Background(), errorbus.Report{Source: "runners", Operation: g.name, Err: err, Stack: debug.Stack()})
		}
	}()
	return call()
}

// pause grows with the failures in a row, and up to half of it is random, so that what failed together does not come back
// together.
func pause(failures int) time.Duration {
	full := longestPause
	if failures < 7 {
		full = min(full, shortestPause<<(failures-1))
	}
	return full/2 + rand.N(full/2+1)
}
