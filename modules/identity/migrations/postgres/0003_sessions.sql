-- +goose Up
CREATE TABLE identity_lockouts (
    id             character varying NOT NULL PRIMARY KEY,
    failures       bigint NOT NULL,
    last_failed_at timestamptz NOT NULL,
    locked_until   timestamptz NULL
);
CREATE INDEX identity_lockouts_last_failed ON identity_lockouts (last_failed_at);

CREATE TABLE identity_server_keys (
    id         character varying NOT NULL PRIMARY KEY,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE identity_server_keys;
DROP TABLE identity_lockouts;
