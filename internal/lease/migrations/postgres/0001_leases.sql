-- +goose Up
CREATE TABLE lease_leases (
    id character varying NOT NULL PRIMARY KEY,
    holder character varying NOT NULL,
    token bigint NOT NULL,
    expires_ms bigint NOT NULL
);

-- +goose Down
DROP TABLE lease_leases;
