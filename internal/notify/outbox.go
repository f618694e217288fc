// Package notify delivers what the platform tells people.
//
// What is accepted is delivered after the commit of its transaction, by this process, and lost when the process is
// killed in between: durable delivery needs the job queue.
package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tx"
)

const waiting = 1024 // messages that are committed and not yet delivered; who comes beyond delivers by itself

// Outbox implements notify.Sender over a folder: one file for each message. It may be used by several goroutines.
type Outbox struct {
	cfg  Config
	env  config.Environment
	log  *zap.Logger
	next chan queued
	done chan struct{}

	mu     sync.RWMutex // held for reading while something is queued
	closed bool
}

// queued is a message on its way, with the context that its log line is about.
type queued struct {
	ctx     context.Context
	message notify.Message
}

var _ notify.Sender = (*Outbox)(nil)

// New returns an outbox that delivers once it is started.
func New(cfg Config, env config.Environment, log *zap.Logger) *Outbox {
	return &Outbox{cfg: cfg, env: env, log: log, next: make(chan queued, waiting), done: make(chan struct{})}
}

// Start warns where nobody may know that mails become files.
func (o *Outbox) Start(context.Context) error {
	if o.cfg.Channel == "" && o.env != config.Development && o.env != config.Test {
		o.log.Warn("nobody gets a mail: messages are kept in notify.dir; set notify.channel to file if that is meant",
			zap.String("dir", o.cfg.Dir))
	}
	if err := makeFolder(o.cfg.Dir); err != nil {
		return fmt.Errorf("notify.dir: %w", err)
	}
	go func() {
		defer close(o.done)
		for q := range o.next {
			o.deliver(q)
		}
	}()
	return nil
}

// Stop delivers what has been accepted, as long as ctx allows. What comes later is delivered by its caller.
func (o *Outbox) Stop(ctx context.Context) error {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.next)
	}
	o.mu.Unlock()
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("not every message was delivered"), ctx.Err())
	}
}

// Send implements notify.Sender.
func (o *Outbox) Send(ctx context.Context, m notify.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	tx.AfterCommit(ctx, func(ctx context.Context) {
		q := queued{ctx: context.WithoutCancel(ctx), message: m}
		if !o.queue(q) {
			o.deliver(q)
		}
	})
	return nil
}

func (o *Outbox) queue(q queued) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.closed {
		return false
	}
	select {
	case o.next <- q:
		return true
	default:
		return false
	}
}

// deliver logs what became of a message. Who it was for and what it says is shown to developers only: the text may hold
// a link that is as good as a password.
func (o *Outbox) deliver(q queued) {
	log := o.log.With(append(logger.Scope(q.ctx), zap.String("kind", q.message.Kind))...)
	file, err := o.write(q.message)
	if err != nil {
		log.Error("a message could not be delivered", zap.Error(err))
		return
	}
	if o.env == config.Development {
		log = log.With(zap.String("to", q.message.To), zap.String("subject", q.message.Subject), zap.String("text", q.message.Text))
	}
	log.Info("message delivered", zap.String("file", file))
}
