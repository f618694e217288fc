-- +goose Up
CREATE TABLE auth_signing_keys (
    id uuid NOT NULL PRIMARY KEY,
    algorithm character varying NOT NULL,
    public_key bytea NOT NULL,
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz NULL
);

-- +goose Down
DROP TABLE auth_signing_keys;
