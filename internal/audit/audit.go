// Package audit keeps the audit trail: who did what, and what came of it. Rows are only ever added.
package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/audit/ent/event"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

// Log is the trail. It joins the transaction that the context carries.
type Log struct {
	events *ent.EventClient
	now    func() time.Time
}

var (
	_ audit.Recorder = (*Log)(nil)
	_ audit.Trail    = (*Log)(nil)
)

// New returns the trail in the table of client.
func New(client *ent.Client) *Log { return &Log{events: client.Event, now: time.Now} }

// Record implements audit.Recorder. Without a tenant anywhere the event belongs to the platform, whose tenant is the
// zero id. Text is shortened to what the table is meant to hold and loses what does not print.
func (l *Log) Record(ctx context.Context, e audit.Entry) error {
	if e.Action == "" {
		return errors.New("record an audit event: it has no action")
	}
	outcome, err := outcomeOf(e)
	if err != nil {
		return fmt.Errorf("record the audit event %s: %w", clean(e.Action, maxAction), err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("record an audit event: %w", err)
	}
	row := l.events.Create().
		SetID(id).
		SetTime(l.now().UTC().Truncate(time.Microsecond)).
		SetTenantID(tenantOf(ctx, e)).
		SetPermission(clean(e.Action, maxAction)).
		SetTarget(clean(e.Target, maxTarget)).
		SetOutcome(outcome)
	if actor := actorOf(ctx, e); actor != uuid.Nil {
		row.SetActor(actor)
	}
	request := logger.FromContext(ctx)
	if request == nil {
		request = &logger.Request{}
	}
	row.SetIP(clean(request.IP, maxIP)).SetRequestID(clean(request.ID, maxRequestID))
	reason, _ := tenant.SystemReason(ctx)
	row.SetReason(clean(reason, maxReason))
	if err := row.Exec(ctx); err != nil {
		return fmt.Errorf("record the audit event %s: %w", clean(e.Action, maxAction), err)
	}
	mark(ctx)
	return nil
}

func outcomeOf(e audit.Entry) (event.Outcome, error) {
	if e.Outcome == "" {
		return event.OutcomeSucceeded, nil
	}
	outcome := event.Outcome(e.Outcome)
	return outcome, event.OutcomeValidator(outcome)
}

func tenantOf(ctx context.Context, e audit.Entry) uuid.UUID {
	if e.Tenant != uuid.Nil {
		return e.Tenant
	}
	id, _ := tenant.FromContext(ctx)
	return id
}

func actorOf(ctx context.Context, e audit.Entry) uuid.UUID {
	if e.Actor != uuid.Nil {
		return e.Actor
	}
	if caller, ok := auth.FromContext(ctx); ok {
		return caller.UserID
	}
	return uuid.Nil
}
