-- +goose Up
ALTER TABLE auth_signing_keys ADD COLUMN verifies_until timestamptz NULL;

-- +goose Down
ALTER TABLE auth_signing_keys DROP COLUMN verifies_until;
