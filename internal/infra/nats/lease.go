package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// look is how often a lease is looked at that another replica holds.
const look = time.Second

// errLost is why a replica no longer receives: another one does, or may.
var errLost = errors.New("the lease is lost")

// leases is the bucket of the leases, made when it is missing. They end when nobody renews them.
func (s *Server) leases(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: s.cfg.Stream + "_LEASES", Description: "Which replica receives what", TTL: s.cfg.AckWait, Replicas: s.cfg.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("make the leases of the stream %s: %w", s.cfg.Stream, err)
	}
	return bucket, nil
}

// lease lets one replica at a time receive from a consumer. The server gives messages to all who ask in turn, so two of
// them would wait for each other with every message of a key.
type lease struct {
	bucket   jetstream.KeyValue
	key, me  string
	lasts    time.Duration
	revision uint64
}

// campaign calls receive whenever this replica has the lease, until ctx ends or the server cannot be asked.
func (l *lease) campaign(ctx context.Context, receive func(held context.Context) error) error {
	for ctx.Err() == nil {
		taken, err := l.take(ctx)
		if err == nil && taken {
			err = l.hold(ctx, receive)
		}
		if err != nil && !errors.Is(err, errLost) {
			return err
		}
		timer := time.NewTimer(min(look, l.lasts/3))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func (l *lease) take(ctx context.Context) (bool, error) {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	revision, err := l.bucket.Create(ask, l.key, []byte(l.me))
	if err == nil {
		l.revision = revision
		return true, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return false, err
	}
	holder, err := l.bucket.Get(ask, l.key)
	if err != nil || string(holder.Value()) != l.me { // it has just ended, or is another one's
		return false, nil
	}
	l.revision = holder.Revision() // it was renewed, and the answer was lost
	return true, nil
}

// hold renews the lease while receive is at work, and ends that when the lease is lost.
func (l *lease) hold(ctx context.Context, receive func(held context.Context) error) error {
	held, end := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		l.renew(held, end)
	}()
	err := receive(held)
	lost := errors.Is(context.Cause(held), errLost)
	end(nil)
	<-renewed
	if lost {
		return errLost
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = l.bucket.Delete(ask, l.key, jetstream.LastRevision(l.revision)) // it ends by itself otherwise
	return err
}

func (l *lease) renew(ctx context.Context, lost context.CancelCauseFunc) {
	tick := time.NewTicker(l.lasts / 3)
	defer tick.Stop()
	for since := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, l.lasts/3)
		revision, err := l.bucket.Update(ask, l.key, []byte(l.me), l.revision)
		cancel()
		var refused *jetstream.APIError
		switch {
		case err == nil:
			l.revision, since = revision, time.Now()
		case ctx.Err() != nil:
			return
		case errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence, time.Since(since) > l.lasts:
			lost(errLost)
			return
		}
	}
}
