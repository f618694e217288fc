-- The numbers of the states are those of states.go.
-- +goose Up
CREATE TABLE jobs_jobs (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    queue text NOT NULL,
    priority integer NOT NULL,
    state integer NOT NULL,
    attempt integer NOT NULL,
    max_attempts integer NOT NULL,
    due_ms integer NOT NULL,
    deadline_ms integer NOT NULL,
    timeout_ms integer NOT NULL,
    unique_key text NOT NULL,
    unique_ms integer NOT NULL,
    actor_id uuid NOT NULL,
    request_id text NOT NULL,
    trace text NOT NULL,
    args text NOT NULL,
    result text NOT NULL,
    error text NOT NULL,
    owner text NOT NULL,
    token text NOT NULL,
    cancel bool NOT NULL,
    dispatched_ms integer NOT NULL,
    dispatches integer NOT NULL,
    created_ms integer NOT NULL,
    begun_ms integer NOT NULL,
    changed_ms integer NOT NULL,
    expires_ms integer NOT NULL
);
CREATE INDEX jobs_jobs_due ON jobs_jobs (due_ms) WHERE state > 6;
CREATE INDEX jobs_jobs_queued ON jobs_jobs (queue, dispatched_ms, tenant_id, priority, id) WHERE state = 0;
CREATE INDEX jobs_jobs_running ON jobs_jobs (owner) WHERE state = 2;
CREATE INDEX jobs_jobs_failed ON jobs_jobs (id) WHERE state = 4;
CREATE INDEX jobs_jobs_expired ON jobs_jobs (expires_ms) WHERE expires_ms > 0;
CREATE INDEX jobs_jobs_deadline ON jobs_jobs (deadline_ms) WHERE deadline_ms > 0;
CREATE UNIQUE INDEX jobs_jobs_unique ON jobs_jobs (tenant_id, kind, unique_key) WHERE unique_ms > 0;
CREATE INDEX jobs_jobs_tenant ON jobs_jobs (tenant_id, id);

CREATE TABLE jobs_replicas (
    id text NOT NULL PRIMARY KEY,
    seen_ms integer NOT NULL
);

CREATE TABLE jobs_queues (
    id text NOT NULL PRIMARY KEY,
    paused bool NOT NULL,
    changed_ms integer NOT NULL
);

CREATE TABLE jobs_schedules (
    id text NOT NULL PRIMARY KEY,
    spec text NOT NULL,
    next_ms integer NOT NULL,
    last_ms integer NOT NULL,
    last_job text NOT NULL,
    paused bool NOT NULL,
    changed_ms integer NOT NULL
);

-- +goose Down
DROP TABLE jobs_schedules;
DROP TABLE jobs_queues;
DROP TABLE jobs_replicas;
DROP TABLE jobs_jobs;
