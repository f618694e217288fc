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
	keys   *Keys
	now    func() time.Time
}

var (
	_ audit.Recorder = (*Log)(nil)
	_ audit.Trail    = (*Log)(nil)
)

// New returns the trail in the table of client. Every event is authenticated with the newest of keys, so that the chain
// takes no row that somebody else has written.
func New(client *ent.Client, keys *Keys) *Log {
	return &Log{events: client.Event, keys: keys, now: time.Now}
}

// Record implements audit.Recorder. Without a tenant anywhere the event belongs to the platform, whose tenant is the
// zero id. Text is shortened to what the table is meant to hold and loses what does not print. What the transaction has
// changed of the tenant's audited entities goes with an event that succeeded.
func (l *Log) Record(ctx context.Context, e audit.Entry) error {
	if e.Action == "" {
		return errors.New("record an audit event: it has no action")
	}
	outcome, err := outcomeOf(e)
	if err != nil {
		return fmt.Errorf("record the audit event %s: %w", clean(e.Action, maxAction), err)
	}
	r := l.begin(ctx, tenantOf(ctx, e), clean(e.Action, maxAction))
	r.target, r.outcome = clean(e.Target, maxTarget), string(outcome)
	if actor := actorOf(ctx, e); actor != uuid.Nil {
		r.actor = &actor
	}
	var more [][]audit.Change
	if outcome == event.OutcomeSucceeded {
		if r.changes, more, err = takeChanges(ctx, r.tenant); err != nil {
			return fmt.Errorf("record the audit event %s: %w", r.permission, err)
		}
	}
	if err := l.write(ctx, r); err != nil {
		return err
	}
	for _, part := range more {
		if err := l.recordChanges(ctx, r.tenant, r.permission, part); err != nil {
			return err
		}
	}
	mark(ctx)
	return nil
}

// begin is an event of now, by whoever is calling, with what the context knows of the request.
func (l *Log) begin(ctx context.Context, of uuid.UUID, action string) *record {
	r := &record{tenant: of, time: l.now().UTC().Truncate(time.Microsecond), permission: action, outcome: string(event.OutcomeSucceeded)}
	if caller, ok := auth.FromContext(ctx); ok {
		r.actor = &caller.UserID
	}
	if request := logger.FromContext(ctx); request != nil {
		r.ip, r.requestID = clean(request.IP, maxIP), clean(request.ID, maxRequestID)
	}
	reason, _ := tenant.SystemReason(ctx)
	if caller, ok := auth.FromContext(ctx); ok && reason == "" && caller.Key != nil {
		reason = "by the API key " + caller.Key.ID.String() // the actor of a personal one is its user
	}
	r.reason = clean(reason, maxReason)
	return r
}

// write authenticates the event and adds it to the table.
func (l *Log) write(ctx context.Context, r *record) error {
	key := l.keys.current.Load().newest()
	if key == nil {
		return fmt.Errorf("record the audit event %s: the audit keys are not loaded", r.permission)
	}
	var err error
	if r.id, err = uuid.NewV7(); err != nil {
		return fmt.Errorf("record the audit event %s: %w", r.permission, err)
	}
	row := l.events.Create().SetID(r.id).SetTenantID(r.tenant).SetTime(r.time).SetNillableActor(r.actor).
		SetPermission(r.permission).SetTarget(r.target).SetOutcome(event.Outcome(r.outcome)).
		SetIP(r.ip).SetRequestID(r.requestID).SetReason(r.reason).SetMAC(r.authenticate(key.mac))
	if r.changes != "" {
		row.SetChanges(r.changes)
	}
	if err := row.Exec(tenant.NewContext(ctx, r.tenant)); err != nil { // of whoever it is about, or nobody's
		return fmt.Errorf("record the audit event %s: %w", r.permission, err)
	}
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
