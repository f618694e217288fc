-- +goose Up
CREATE TABLE apikeys_keys (
    id           uuid NOT NULL PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    name         text NOT NULL,
    user_id      uuid NULL,
    member_id    uuid NULL,
    permissions  text NOT NULL,
    networks     text NOT NULL,
    created_by   uuid NOT NULL,
    created_at   datetime NOT NULL,
    expires_at   datetime NULL,
    last_used_at datetime NULL,
    last_used_ip text NULL
);
CREATE INDEX apikeys_keys_tenant ON apikeys_keys (tenant_id, id);
CREATE INDEX apikeys_keys_user ON apikeys_keys (tenant_id, user_id, id);
CREATE INDEX apikeys_keys_expiry ON apikeys_keys (expires_at);

CREATE TABLE apikeys_secrets (
    id         uuid NOT NULL PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    key_id     uuid NOT NULL,
    prefix     text NOT NULL,
    hash       blob NOT NULL,
    created_at datetime NOT NULL,
    expires_at datetime NULL
);
CREATE INDEX apikeys_secrets_prefix ON apikeys_secrets (prefix);
CREATE INDEX apikeys_secrets_key ON apikeys_secrets (tenant_id, key_id);

-- +goose Down
DROP TABLE apikeys_secrets;
DROP TABLE apikeys_keys;
