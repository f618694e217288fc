-- +goose Up
CREATE TABLE identity_lockouts (
    id             text NOT NULL PRIMARY KEY,
    failures       integer NOT NULL,
    last_failed_at datetime NOT NULL,
    locked_until   datetime NULL
);
CREATE INDEX identity_lockouts_last_failed ON identity_lockouts (last_failed_at);

CREATE TABLE identity_server_keys (
    id         text NOT NULL PRIMARY KEY,
    sealed     blob NOT NULL,
    created_at datetime NOT NULL
);

-- +goose Down
DROP TABLE identity_server_keys;
DROP TABLE identity_lockouts;
