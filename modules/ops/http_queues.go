package ops

import (
	"context"

	"github.com/yourorg/platform/modules/ops/internal/api"
)

func (h *handler) ListOpsQueues(ctx context.Context, _ api.ListOpsQueuesRequestObject) (api.ListOpsQueuesResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	queues, err := h.jobs.Queues(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]api.Queue, len(queues))
	for i, q := range queues {
		items[i] = api.Queue{
			Name: q.Name, Workers: q.Workers, Paused: q.Paused, Queued: q.Queued, Scheduled: q.Scheduled, Running: q.Running,
			Retrying: q.Retrying, Failed: q.Failed, OldestAt: moment(q.Oldest), LatencySeconds: q.Latency.Seconds(), Throughput: q.Throughput,
		}
	}
	return api.ListOpsQueues200JSONResponse{Items: items}, nil
}

func (h *handler) PauseOpsQueue(ctx context.Context, r api.PauseOpsQueueRequestObject) (api.PauseOpsQueueResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	return api.PauseOpsQueue204Response{}, h.jobs.PauseQueue(ctx, r.Name, true)
}

func (h *handler) ResumeOpsQueue(ctx context.Context, r api.ResumeOpsQueueRequestObject) (api.ResumeOpsQueueResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	return api.ResumeOpsQueue204Response{}, h.jobs.PauseQueue(ctx, r.Name, false)
}

func (h *handler) ListOpsSchedules(ctx context.Context, _ api.ListOpsSchedulesRequestObject) (api.ListOpsSchedulesResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	schedules, err := h.jobs.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]api.Schedule, len(schedules))
	for i, s := range schedules {
		items[i] = api.Schedule{
			Name: s.Name, Spec: s.Spec, Zone: s.Zone, Misfire: api.ScheduleMisfire(s.Misfire), Kind: s.Kind, Paused: s.Paused,
			NextAt: moment(s.Next), LastAt: moment(s.Last), LastJobID: optional(s.LastJob),
		}
	}
	return api.ListOpsSchedules200JSONResponse{Items: items}, nil
}

func (h *handler) PauseOpsSchedule(ctx context.Context, r api.PauseOpsScheduleRequestObject) (api.PauseOpsScheduleResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	return api.PauseOpsSchedule204Response{}, h.jobs.PauseSchedule(ctx, r.Name, true)
}

func (h *handler) ResumeOpsSchedule(ctx context.Context, r api.ResumeOpsScheduleRequestObject) (api.ResumeOpsScheduleResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	return api.ResumeOpsSchedule204Response{}, h.jobs.PauseSchedule(ctx, r.Name, false)
}

func (h *handler) RunOpsSchedule(ctx context.Context, r api.RunOpsScheduleRequestObject) (api.RunOpsScheduleResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	id, err := h.jobs.RunSchedule(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	return api.RunOpsSchedule200JSONResponse{JobID: id}, nil
}
