package usage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/usage"
)

var _ usage.Reader = (*Recorder)(nil)

const (
	readHours = "SELECT " + columns + " FROM usage_hours WHERE tenant_id = $1 AND begins_s >= $2 AND begins_s < $3"

	// One statement has one view: what a roll-up moves meanwhile is seen once.
	readDays = readHours + " UNION ALL SELECT " + columns + " FROM usage_days WHERE tenant_id = $1 AND begins_s >= $2 AND begins_s < $3"
)

// latest bounds what can be asked about, so that seconds since 1970 do.
var latest = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Usage implements usage.Reader.
func (r *Recorder) Usage(ctx context.Context, id tenant.ID, q usage.Query) ([]usage.Interval, error) {
	length := int64(q.By.Length() / time.Second)
	from, to := floor(q.From.Unix(), length), floor(q.To.Unix()+length-1, length)
	switch field := (problem.Field{Field: "to", Code: "out_of_range"}); {
	case q.From.Unix() < 0 || q.From.After(latest) || q.To.After(latest):
		field.Field, field.Message = "from", "must be between 1970 and 9999, and so must to"
		return nil, usage.ErrRange.With(field)
	case !q.To.After(q.From):
		field.Message = "must be after from"
		return nil, usage.ErrRange.With(field)
	case (to-from)/length > usage.MaxIntervals:
		field.Message = fmt.Sprintf("must be at most %d intervals after from", usage.MaxIntervals)
		return nil, usage.ErrRange.With(field)
	}
	known, err := r.tenants.Known(ctx, id)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, usage.ErrUnknownTenant
	}
	statement := readHours
	if q.By == usage.Day {
		statement = readDays
	}
	rows, err := r.query(tenant.NewContext(ctx, id), statement, id, from, to)
	if err != nil {
		return nil, fmt.Errorf("read the usage of tenant %s: %w", id, err)
	}
	rows = sum(rows, length)
	all := make([]usage.Interval, len(rows))
	for i, one := range rows {
		all[i] = usage.Interval{
			Start: time.Unix(one.begins, 0).UTC(), Requests: one.requests, ClientErrors: one.clientErrors, ServerErrors: one.serverErrors,
			BytesIn: one.bytesIn, BytesOut: one.bytesOut, Latency: latency(&one.latency, one.took, one.requests), Units: one.units,
		}
	}
	return all, nil
}

// floor is when the interval that a second is in begins.
func floor(second, length int64) int64 { return second - (second%length+length)%length }

// sum adds up rows into longer intervals, sorted by tenant and time.
func sum(rows []row, length int64) []row {
	into := map[slot]*tally{}
	var all []row
	for _, one := range rows {
		k := slot{one.tenant, floor(one.begins, length)}
		t := into[k]
		if t == nil {
			t = &tally{}
			into[k] = t
			all = append(all, row{k, t})
		}
		t.add(one.tally)
	}
	slices.SortFunc(all, func(a, b row) int { return a.compare(b.slot) })
	return all
}
