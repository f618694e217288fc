-- +goose Up
CREATE TABLE lease_leases (
    id text NOT NULL PRIMARY KEY,
    holder text NOT NULL,
    token integer NOT NULL,
    expires_ms integer NOT NULL
);

-- +goose Down
DROP TABLE lease_leases;
