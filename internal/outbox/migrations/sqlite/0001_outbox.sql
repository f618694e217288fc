-- +goose Up
CREATE TABLE outbox_events (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    topic text NOT NULL,
    version integer NOT NULL,
    key text NOT NULL,
    actor_id uuid NOT NULL,
    request_id text NOT NULL,
    trace text NOT NULL,
    data text NOT NULL,
    created_at datetime NOT NULL
);
CREATE INDEX outbox_events_tenant ON outbox_events (tenant_id, id);

-- AUTOINCREMENT keeps an id from being used again once the newest rows are deleted.
CREATE TABLE outbox_deliveries (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    subscriber text NOT NULL,
    lane integer NOT NULL,
    key text NOT NULL,
    state integer NOT NULL,
    attempts integer NOT NULL,
    next_ms integer NOT NULL,
    error text NOT NULL,
    changed_ms integer NOT NULL
);
CREATE INDEX outbox_deliveries_ready ON outbox_deliveries (subscriber, lane, tenant_id, id) WHERE state = 0;
CREATE INDEX outbox_deliveries_waiting ON outbox_deliveries (next_ms) WHERE state = 1;
CREATE INDEX outbox_deliveries_held ON outbox_deliveries (subscriber, tenant_id, key, id) WHERE state = 1;
CREATE INDEX outbox_deliveries_parked ON outbox_deliveries (id) WHERE state = 2;
CREATE UNIQUE INDEX outbox_deliveries_event ON outbox_deliveries (event_id, subscriber);

CREATE TABLE outbox_lanes (
    id text NOT NULL PRIMARY KEY
);

CREATE TABLE outbox_inbox (
    id text NOT NULL PRIMARY KEY
);

-- +goose Down
DROP TABLE outbox_inbox;
DROP TABLE outbox_lanes;
DROP TABLE outbox_deliveries;
DROP TABLE outbox_events;
