package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

// bulkSize is how many jobs one action changes unless the caller says otherwise. The contract states the same number.
const bulkSize = 1000

func (h *handler) ListOpsJobs(ctx context.Context, r api.ListOpsJobsRequestObject) (api.ListOpsJobsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	f := filter(r.Params.State, r.Params.Queue, r.Params.Kind, r.Params.TenantID, r.Params.From, r.Params.To)
	f.Before, f.Limit = before, size+1
	rows, err := h.jobs.Jobs(ctx, f)
	if err != nil {
		return nil, err
	}
	jobs, next := page.Cut(rows, size, func(j job.Job) uuid.UUID { return j.ID })
	items := make([]api.Job, len(jobs))
	for i := range jobs {
		items[i] = toJob(&jobs[i])
	}
	return api.ListOpsJobs200JSONResponse{Items: items, NextCursor: next}, nil
}

func filter(states *[]api.JobState, queue, kind *string, tenant *uuid.UUID, from, to *time.Time) job.Filter {
	f := job.Filter{Queue: value(queue), Kind: value(kind), Tenant: value(tenant), From: value(from), To: value(to)}
	for _, s := range value(states) {
		f.States = append(f.States, string(s))
	}
	return f
}

// value is what p points at; zero for nil.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

func (h *handler) GetOpsJob(ctx context.Context, r api.GetOpsJobRequestObject) (api.GetOpsJobResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	j, err := h.jobs.Job(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	details := api.JobDetails{Job: toJob(&j)}
	if err := json.Unmarshal(j.Args, &details.Args); err != nil {
		details.Args = string(j.Args) // what is no JSON is shown as it is: that is why the job has failed
	}
	if j.Result != nil {
		if err := json.Unmarshal(j.Result, &details.Result); err != nil {
			return nil, fmt.Errorf("decode the result of job %s: %w", j.ID, err)
		}
	}
	tag, err := web.Digest(details)
	return api.GetOpsJob200JSONResponse{Body: details, Headers: api.GetOpsJob200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) DeleteOpsJob(ctx context.Context, r api.DeleteOpsJobRequestObject) (api.DeleteOpsJobResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	return api.DeleteOpsJob204Response{}, h.jobs.Delete(ctx, r.ID)
}

func (h *handler) RetryOpsJob(ctx context.Context, r api.RetryOpsJobRequestObject) (api.RetryOpsJobResponseObject, error) {
	j, err := h.changed(ctx, r.ID, h.jobs.Retry)
	if err != nil {
		return nil, err
	}
	return api.RetryOpsJob200JSONResponse(j), nil
}

func (h *handler) CancelOpsJob(ctx context.Context, r api.CancelOpsJobRequestObject) (api.CancelOpsJobResponseObject, error) {
	j, err := h.changed(ctx, r.ID, h.jobs.Cancel)
	if err != nil {
		return nil, err
	}
	return api.CancelOpsJob200JSONResponse(j), nil
}

// changed does something to a job and returns what it is then.
func (h *handler) changed(ctx context.Context, id uuid.UUID, change func(context.Context, uuid.UUID) error) (api.Job, error) {
	if err := h.operates(ctx); err != nil {
		return api.Job{}, err
	}
	if err := change(ctx, id); err != nil {
		return api.Job{}, err
	}
	j, err := h.jobs.Job(ctx, id)
	return toJob(&j), err
}

func (h *handler) ApplyOpsJobs(ctx context.Context, r api.ApplyOpsJobsRequestObject) (api.ApplyOpsJobsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	b := r.Body
	f := filter(b.States, b.Queue, b.Kind, b.TenantID, b.From, b.To)
	if f.Limit = bulkSize; b.Limit != nil {
		f.Limit = *b.Limit
	}
	n, err := h.jobs.Apply(ctx, string(b.Action), f)
	if err != nil {
		return nil, err
	}
	return api.ApplyOpsJobs200JSONResponse{Jobs: n}, nil
}

func toJob(j *job.Job) api.Job {
	return api.Job{
		ID: j.ID, Kind: j.Kind, Version: j.Version, Queue: j.Queue, Priority: j.Priority, State: api.JobState(j.State),
		TenantID: optional(j.Tenant), ActorID: optional(j.Actor), RequestID: j.RequestID, Trace: j.Trace, UniqueKey: j.UniqueKey,
		Attempt: j.Attempt, MaxAttempts: j.MaxAttempts, DueAt: j.Due, Deadline: moment(j.Deadline), CreatedAt: j.Created,
		BegunAt: moment(j.Begun), ChangedAt: j.Changed, Error: j.Error,
	}
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
