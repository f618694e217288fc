-- +goose Up
ALTER TABLE identity_sessions ADD COLUMN authenticated_at datetime NULL;
ALTER TABLE identity_sessions ADD COLUMN methods json NULL;

-- +goose Down
ALTER TABLE identity_sessions DROP COLUMN methods;
ALTER TABLE identity_sessions DROP COLUMN authenticated_at;
