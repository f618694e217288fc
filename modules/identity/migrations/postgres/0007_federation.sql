-- +goose Up
CREATE TABLE identity_providers (
    id             uuid NOT NULL PRIMARY KEY,
    tenant_id      uuid NOT NULL,
    name           character varying NOT NULL,
    issuer         character varying NOT NULL,
    client_id      character varying NOT NULL,
    client_secret  bytea NOT NULL,
    scopes         jsonb NOT NULL,
    domains        jsonb NOT NULL,
    proved_domains jsonb NOT NULL,
    role_mapping   jsonb NOT NULL,
    default_roles  jsonb NOT NULL,
    jit            boolean NOT NULL,
    enabled        boolean NOT NULL,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT identity_providers_identity_tenants_tenant FOREIGN KEY (tenant_id) REFERENCES identity_tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_providers_name ON identity_providers (tenant_id, name);

CREATE TABLE identity_federated (
    id           uuid NOT NULL PRIMARY KEY,
    user_id      uuid NOT NULL,
    provider     character varying NOT NULL,
    provider_id  uuid NULL,
    issuer       character varying NOT NULL,
    subject      character varying NOT NULL,
    email        character varying NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NULL,
    CONSTRAINT identity_federated_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE,
    CONSTRAINT identity_federated_identity_providers_owner FOREIGN KEY (provider_id) REFERENCES identity_providers (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_federated_subject ON identity_federated (provider, issuer, subject);
CREATE INDEX identity_federated_user ON identity_federated (user_id);
CREATE INDEX identity_federated_provider ON identity_federated (provider_id);

CREATE TABLE identity_federations (
    id               uuid NOT NULL PRIMARY KEY,
    provider         character varying NOT NULL,
    hash             bytea NOT NULL,
    browser          bytea NOT NULL,
    sealed           bytea NOT NULL,
    return_to        character varying NOT NULL,
    wish             character varying NOT NULL,
    linking          uuid NULL,
    step             character varying NOT NULL,
    user_id          uuid NULL,
    authenticated_at timestamptz NULL,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    CONSTRAINT identity_federations_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_federations_hash_key ON identity_federations (hash);
CREATE INDEX identity_federations_expires ON identity_federations (expires_at);
CREATE INDEX identity_federations_user ON identity_federations (user_id);

-- +goose Down
DROP TABLE identity_federations;
DROP TABLE identity_federated;
DROP TABLE identity_providers;
