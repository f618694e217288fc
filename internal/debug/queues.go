package debug

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/event"
)

const newest = 20 // events

type backlog struct {
	To     string    `json:"to"`
	State  string    `json:"state"`
	Count  int64     `json:"count"`
	Oldest time.Time `json:"oldest"` // when the oldest became so
}

type published struct {
	ID     uuid.UUID `json:"id"`
	Topic  string    `json:"topic"`
	Tenant uuid.UUID `json:"tenant_id"`
	Time   time.Time `json:"time"`
}

// events shows what waits in the outbox and what was published last, without what the events say.
func (d *Debug) events(r *http.Request) (any, error) {
	waiting, err := d.Events.Backlog(r.Context())
	if err != nil {
		return nil, err
	}
	last, err := d.Events.Events(r.Context(), event.Filter{Limit: newest})
	if err != nil {
		return nil, err
	}
	deliveries, events := make([]backlog, len(waiting)), make([]published, len(last))
	for i, b := range waiting {
		deliveries[i] = backlog{b.To, b.State, b.Count, b.Oldest}
	}
	for i, e := range last {
		events[i] = published{e.ID, e.Topic, e.Tenant, e.Time}
	}
	return map[string]any{"deliveries": deliveries, "events": events}, nil
}

type queue struct {
	Name       string     `json:"name"`
	Workers    int        `json:"workers"`
	Paused     bool       `json:"paused"`
	Queued     int        `json:"queued"`
	Scheduled  int        `json:"scheduled"`
	Running    int        `json:"running"`
	Retrying   int        `json:"retrying"`
	Failed     int        `json:"failed"`
	Oldest     *time.Time `json:"oldest,omitempty"`
	LatencyMs  float64    `json:"latency_ms"`
	Throughput float64    `json:"per_second"`
}

type schedule struct {
	Name   string     `json:"name"`
	Spec   string     `json:"spec"`
	Paused bool       `json:"paused"`
	Next   *time.Time `json:"next,omitempty"`
	Last   *time.Time `json:"last,omitempty"`
}

func (d *Debug) jobs(r *http.Request) (any, error) {
	queues, err := d.Jobs.Queues(r.Context())
	if err != nil {
		return nil, err
	}
	schedules, err := d.Jobs.Schedules(r.Context())
	if err != nil {
		return nil, err
	}
	qs, ss := make([]queue, len(queues)), make([]schedule, len(schedules))
	for i, q := range queues {
		qs[i] = queue{
			q.Name, q.Workers, q.Paused, q.Queued, q.Scheduled, q.Running, q.Retrying, q.Failed, moment(q.Oldest),
			float64(q.Latency.Microseconds()) / 1000, q.Throughput,
		}
	}
	for i, s := range schedules {
		ss[i] = schedule{s.Name, s.Spec, s.Paused, moment(s.Next), moment(s.Last)}
	}
	return map[string]any{"queues": qs, "schedules": ss}, nil
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
