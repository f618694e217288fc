-- The numbers of the states are those of states.go.
-- +goose Up
CREATE TABLE jobs_jobs (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind character varying NOT NULL,
    version bigint NOT NULL,
    queue character varying NOT NULL,
    priority bigint NOT NULL,
    state bigint NOT NULL,
    attempt bigint NOT NULL,
    max_attempts bigint NOT NULL,
    due_ms bigint NOT NULL,
    deadline_ms bigint NOT NULL,
    timeout_ms bigint NOT NULL,
    unique_key character varying NOT NULL,
    unique_ms bigint NOT NULL,
    actor_id uuid NOT NULL,
    request_id character varying NOT NULL,
    trace character varying NOT NULL,
    args text NOT NULL,
    result text NOT NULL,
    error text NOT NULL,
    owner character varying NOT NULL,
    token character varying NOT NULL,
    cancel boolean NOT NULL,
    dispatched_ms bigint NOT NULL,
    dispatches bigint NOT NULL,
    created_ms bigint NOT NULL,
    begun_ms bigint NOT NULL,
    changed_ms bigint NOT NULL,
    expires_ms bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX jobs_jobs_due ON jobs_jobs (due_ms) WHERE state > 6;
CREATE INDEX jobs_jobs_queued ON jobs_jobs (queue, dispatched_ms, tenant_id, priority, id) WHERE state = 0;
CREATE INDEX jobs_jobs_running ON jobs_jobs (owner) WHERE state = 2;
CREATE INDEX jobs_jobs_failed ON jobs_jobs (id) WHERE state = 4;
CREATE INDEX jobs_jobs_expired ON jobs_jobs (expires_ms) WHERE expires_ms > 0;
CREATE INDEX jobs_jobs_deadline ON jobs_jobs (deadline_ms) WHERE deadline_ms > 0;
CREATE UNIQUE INDEX jobs_jobs_unique ON jobs_jobs (tenant_id, kind, unique_key) WHERE unique_ms > 0;
CREATE INDEX jobs_jobs_tenant ON jobs_jobs (tenant_id, id);

CREATE TABLE jobs_replicas (
    id character varying NOT NULL PRIMARY KEY,
    seen_ms bigint NOT NULL
);

CREATE TABLE jobs_queues (
    id character varying NOT NULL PRIMARY KEY,
    paused boolean NOT NULL,
    changed_ms bigint NOT NULL
);

CREATE TABLE jobs_schedules (
    id character varying NOT NULL PRIMARY KEY,
    spec character varying NOT NULL,
    next_ms bigint NOT NULL,
    last_ms bigint NOT NULL,
    last_job character varying NOT NULL,
    paused boolean NOT NULL,
    changed_ms bigint NOT NULL
);

-- +goose Down
DROP TABLE jobs_schedules;
DROP TABLE jobs_queues;
DROP TABLE jobs_replicas;
DROP TABLE jobs_jobs;
