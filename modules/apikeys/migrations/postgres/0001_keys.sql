-- +goose Up
CREATE TABLE apikeys_keys (
    id           uuid NOT NULL PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    name         character varying NOT NULL,
    user_id      uuid NULL,
    member_id    uuid NULL,
    permissions  text NOT NULL,
    networks     text NOT NULL,
    created_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NULL,
    last_used_at timestamptz NULL,
    last_used_ip character varying NULL
);
CREATE INDEX apikeys_keys_tenant ON apikeys_keys (tenant_id, id);
CREATE INDEX apikeys_keys_user ON apikeys_keys (tenant_id, user_id, id);
CREATE INDEX apikeys_keys_expiry ON apikeys_keys (expires_at);

CREATE TABLE apikeys_secrets (
    id         uuid NOT NULL PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    key_id     uuid NOT NULL,
    prefix     character varying NOT NULL,
    hash       bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NULL
);
CREATE INDEX apikeys_secrets_prefix ON apikeys_secrets (prefix);
CREATE INDEX apikeys_secrets_key ON apikeys_secrets (tenant_id, key_id);

-- +goose Down
DROP TABLE apikeys_secrets;
DROP TABLE apikeys_keys;
