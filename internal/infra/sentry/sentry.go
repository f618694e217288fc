// Package sentry reports errors to a Sentry, or to what speaks its protocol.
//
// The library's client has a queue, workers and a hub of its own, adds what it finds in the process, and swallows the errors
// of its transport. The error bus has a queue, and wants to know. So the events are the library's, and the sending is here:
// nothing is sent but what event puts in.
package sentry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/getsentry/sentry-go"

	"github.com/yourorg/platform/internal/version"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/errorbus"
)

const (
	contentType = "application/x-sentry-envelope"
	maxPause    = 10 * time.Minute // that a server may ask for
	usualPause  = time.Minute      // when it asks and does not say for how long
)

// errPaused is why a report is not sent: the server has asked for a pause.
var errPaused = errors.New("the server has asked for a pause")

// Sink sends reports, one after the other.
type Sink struct {
	cfg     Config
	env     config.Environment
	release string
	client  *http.Client
	url     string // empty when it is off
	key     string
	until   atomic.Int64 // of the pause, in nanoseconds of Unix
}

var _ errorbus.Sink = (*Sink)(nil)

// New returns a sink that sends through client, and nothing without a DSN.
func New(cfg Config, env config.Environment, client *http.Client) (*Sink, error) {
	s := &Sink{cfg: cfg, env: env, release: "platform@" + version.Get().Version, client: client}
	if err := cfg.Validate(); err != nil || cfg.DSN == "" {
		return s, err
	}
	dsn, err := sentry.NewDsn(cfg.DSN.Reveal())
	if err != nil {
		return nil, errors.New("sentry.dsn cannot be used")
	}
	s.url, s.key = dsn.GetAPIURL().String(), dsn.GetPublicKey()
	return s, nil
}

// Name implements errorbus.Sink.
func (*Sink) Name() string { return "sentry" }

// Send implements errorbus.Sink.
func (s *Sink) Send(ctx context.Context, r errorbus.Report) error {
	if s.url == "" || rand.Float64() >= s.cfg.SampleRate {
		return nil
	}
	if time.Now().UnixNano() < s.until.Load() {
		return errPaused
	}
	body, err := envelope(s.event(r))
	if err != nil {
		return fmt.Errorf("encode a report: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send a report: %w", err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-Sentry-Auth", "Sentry sentry_version=7, sentry_client=platform/1, sentry_key="+s.key)
	answer, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("send a report: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode == http.StatusTooManyRequests {
		s.pause(answer.Header.Get("Retry-After"))
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("send a report: the answer is %s", answer.Status)
	}
	return nil
}

func (s *Sink) pause(seconds string) {
	pause := usualPause
	if n, err := strconv.Atoi(seconds); err == nil && n > 0 {
		pause = min(time.Duration(n)*time.Second, maxPause)
	}
	s.until.Store(time.Now().Add(pause).UnixNano())
}

// envelope is how Sentry takes events: a header, and for each item a header and the item, on lines of their own.
func envelope(e *sentry.Event) ([]byte, error) {
	item, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"event_id\":%q,\"sent_at\":%q}\n", e.EventID, time.Now().UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":%d}\n", len(item))
	b.Write(item)
	b.WriteByte('\n')
	return b.Bytes(), nil
}
