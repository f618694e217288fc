package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/audit/ent/event"
	"github.com/yourorg/platform/internal/audit/ent/predicate"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/tenant"
)

// maxEvents is a page and the one more that tells whether another follows.
const maxEvents = page.MaxSize + 1

// Events implements audit.Trail. It answers tenant.ErrMissing when ctx has no tenant, also within tenant.System.
func (l *Log) Events(ctx context.Context, f audit.Filter) ([]audit.Event, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, tenant.ErrMissing.Wrap(errors.New("list audit events without a tenant in the context"))
	}
	limit := f.Limit
	if limit < 1 || limit > maxEvents {
		limit = maxEvents
	}
	rows, err := l.events.Query().
		Where(event.TenantID(id)).
		Where(conditions(f)...).
		Order(event.ByID(sql.OrderDesc())).
		Limit(limit).
		All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	events := make([]audit.Event, len(rows))
	for i, row := range rows {
		if events[i], err = toEvent(row); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// conditions cleans text as Record does, so that an event is found by the words it was recorded with.
func conditions(f audit.Filter) []predicate.Event {
	var where []predicate.Event
	if f.Actor != uuid.Nil {
		where = append(where, event.Actor(f.Actor))
	}
	if f.Permission != "" {
		where = append(where, event.Permission(clean(f.Permission, maxAction)))
	}
	if f.Target != "" {
		where = append(where, event.Target(clean(f.Target, maxTarget)))
	}
	if f.Outcome != "" {
		where = append(where, event.OutcomeEQ(event.Outcome(f.Outcome)))
	}
	if !f.From.IsZero() {
		where = append(where, event.TimeGTE(ceil(f.From)))
	}
	if !f.To.IsZero() {
		where = append(where, event.TimeLT(ceil(f.To)))
	}
	if f.RequestID != "" {
		where = append(where, event.RequestID(clean(f.RequestID, maxRequestID)))
	}
	if f.Before != uuid.Nil {
		where = append(where, event.IDLT(f.Before))
	}
	return where
}

// latest is the last moment whose text sorts after that of every earlier one: SQLite compares times as text.
var latest = time.Date(9999, time.December, 31, 23, 59, 59, 999_999_000, time.UTC)

// ceil rounds up to the precision of the column, which keeps both bounds exact: no event lies between.
func ceil(t time.Time) time.Time {
	up := t.UTC().Truncate(time.Microsecond)
	if up.Before(t) {
		up = up.Add(time.Microsecond)
	}
	if up.After(latest) {
		return latest
	}
	return up
}

func toEvent(row *ent.Event) (audit.Event, error) {
	e := audit.Event{
		ID:         row.ID,
		Time:       row.Time.UTC(),
		Permission: row.Permission,
		Target:     row.Target,
		Outcome:    audit.Outcome(row.Outcome),
		IP:         row.IP,
		RequestID:  row.RequestID,
		Reason:     row.Reason,
	}
	if row.Actor != nil {
		e.Actor = *row.Actor
	}
	if row.Changes != nil {
		if err := json.Unmarshal([]byte(*row.Changes), &e.Changes); err != nil {
			return e, fmt.Errorf("read the changes of audit event %s: %w", row.ID, err)
		}
	}
	return e, nil
}
