package sentry

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/getsentry/sentry-go"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/problem"
)

// event is all that is told of a report.
func (s *Sink) event(r errorbus.Report) *sentry.Event {
	id, kind := uuid.New(), kindOf(r)
	e := &sentry.Event{
		EventID: sentry.EventID(hex.EncodeToString(id[:])), Timestamp: r.Time, Platform: "go", Logger: r.Source,
		Level: sentry.LevelError, Release: s.release, Environment: string(s.env), Transaction: r.Operation,
		Tags:      map[string]string{"source": r.Source},
		Exception: []sentry.Exception{{Type: kind, Value: s.text(r)}},
	}
	for name, value := range map[string]string{"request_id": r.RequestID, "trace_id": r.TraceID, "tenant_id": given(r.Tenant)} {
		if value != "" {
			e.Tags[name] = value
		}
	}
	if s.cfg.SendPersonalData {
		e.User.ID = given(r.User)
	}
	if r.TraceID != "" && r.SpanID != "" {
		e.Contexts = map[string]sentry.Context{"trace": {"trace_id": r.TraceID, "span_id": r.SpanID}}
	}
	if r.Panicked() {
		e.Level = sentry.LevelFatal
		e.Exception[0].Stacktrace = &sentry.Stacktrace{Frames: frames(r.Stack)}
	} else {
		e.Fingerprint = []string{r.Source, r.Operation, kind}
	}
	return e
}

// text is what went wrong. The text of an error may quote what a caller sent.
func (s *Sink) text(r errorbus.Report) string {
	if s.cfg.SendPersonalData {
		return r.Err.Error()
	}
	return "in " + r.Source + ": the text is in the log"
}

// kindOf is the code of the error, or the type of the innermost one.
func kindOf(r errorbus.Report) string {
	if r.Panicked() {
		return "panic"
	}
	if p, ok := errors.AsType[*problem.Problem](r.Err); ok {
		return p.Code
	}
	err := r.Err
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return fmt.Sprintf("%T", err)
}

func given(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
