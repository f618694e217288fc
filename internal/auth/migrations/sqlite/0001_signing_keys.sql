-- +goose Up
CREATE TABLE auth_signing_keys (
    id uuid NOT NULL PRIMARY KEY,
    algorithm text NOT NULL,
    public_key blob NOT NULL,
    private_key blob NOT NULL,
    created_at datetime NOT NULL,
    retired_at datetime NULL
);

-- +goose Down
DROP TABLE auth_signing_keys;
