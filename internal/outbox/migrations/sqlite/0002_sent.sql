-- +goose Up
CREATE INDEX outbox_deliveries_sent ON outbox_deliveries (subscriber, state, tenant_id, key, id) WHERE state >= 3;
CREATE INDEX outbox_deliveries_resend ON outbox_deliveries (next_ms) WHERE state >= 3;

-- +goose Down
DROP INDEX outbox_deliveries_resend;
DROP INDEX outbox_deliveries_sent;
