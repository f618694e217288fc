-- +goose Up
ALTER TABLE identity_sessions ADD COLUMN authenticated_at timestamptz NULL;
ALTER TABLE identity_sessions ADD COLUMN methods jsonb NULL;

-- +goose Down
ALTER TABLE identity_sessions DROP COLUMN methods;
ALTER TABLE identity_sessions DROP COLUMN authenticated_at;
