package ops

import (
	"context"
	"time"

	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/usage"
)

// spans are for which stretch of time the usage is shown when nobody says.
var spans = map[usage.By]time.Duration{usage.Hour: 24 * time.Hour, usage.Day: 30 * 24 * time.Hour}

func (h *handler) GetOpsTenantUsage(ctx context.Context, r api.GetOpsTenantUsageRequestObject) (api.GetOpsTenantUsageResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	q := usage.Query{By: usage.Hour, To: time.Now()}
	if r.Params.By != nil {
		q.By = usage.By(*r.Params.By)
	}
	if r.Params.To != nil {
		q.To = *r.Params.To
	}
	q.From = q.To.Add(-spans[q.By])
	if r.Params.From != nil {
		q.From = *r.Params.From
	}
	intervals, err := h.usage.Usage(ctx, r.ID, q)
	if err != nil {
		return nil, err
	}
	items := make([]api.UsageInterval, len(intervals))
	for i, one := range intervals {
		items[i] = toInterval(one)
	}
	return api.GetOpsTenantUsage200JSONResponse{By: api.TenantUsageBy(q.By), Items: items}, nil
}

func toInterval(i usage.Interval) api.UsageInterval {
	consumed := make(map[string]int64, len(i.Units))
	for unit, n := range i.Units {
		consumed[string(unit)] = n
	}
	return api.UsageInterval{
		Start: i.Start, Requests: i.Requests, ClientErrors: i.ClientErrors, ServerErrors: i.ServerErrors, BytesIn: i.BytesIn, BytesOut: i.BytesOut,
		LatencyMs: api.UsageLatency{
			Mean: milliseconds(i.Latency.Mean), P50: milliseconds(i.Latency.P50), P95: milliseconds(i.Latency.P95), P99: milliseconds(i.Latency.P99),
		},
		Quota: consumed,
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
