-- +goose Up
CREATE TABLE identity_providers (
    id             uuid NOT NULL PRIMARY KEY,
    tenant_id      uuid NOT NULL,
    name           text NOT NULL,
    issuer         text NOT NULL,
    client_id      text NOT NULL,
    client_secret  blob NOT NULL,
    scopes         json NOT NULL,
    domains        json NOT NULL,
    proved_domains json NOT NULL,
    role_mapping   json NOT NULL,
    default_roles  json NOT NULL,
    jit            bool NOT NULL,
    enabled        bool NOT NULL,
    version        integer NOT NULL DEFAULT 1,
    created_at     datetime NOT NULL,
    updated_at     datetime NOT NULL,
    CONSTRAINT identity_providers_identity_tenants_tenant FOREIGN KEY (tenant_id) REFERENCES identity_tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_providers_name ON identity_providers (tenant_id, name);

CREATE TABLE identity_federated (
    id           uuid NOT NULL PRIMARY KEY,
    user_id      uuid NOT NULL,
    provider     text NOT NULL,
    provider_id  uuid NULL,
    issuer       text NOT NULL,
    subject      text NOT NULL,
    email        text NOT NULL,
    created_at   datetime NOT NULL,
    last_used_at datetime NULL,
    CONSTRAINT identity_federated_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE,
    CONSTRAINT identity_federated_identity_providers_owner FOREIGN KEY (provider_id) REFERENCES identity_providers (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_federated_subject ON identity_federated (provider, issuer, subject);
CREATE INDEX identity_federated_user ON identity_federated (user_id);
CREATE INDEX identity_federated_provider ON identity_federated (provider_id);

CREATE TABLE identity_federations (
    id               uuid NOT NULL PRIMARY KEY,
    provider         text NOT NULL,
    hash             blob NOT NULL,
    browser          blob NOT NULL,
    sealed           blob NOT NULL,
    return_to        text NOT NULL,
    wish             text NOT NULL,
    linking          uuid NULL,
    step             text NOT NULL,
    user_id          uuid NULL,
    authenticated_at datetime NULL,
    created_at       datetime NOT NULL,
    expires_at       datetime NOT NULL,
    CONSTRAINT identity_federations_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_federations_hash_key ON identity_federations (hash);
CREATE INDEX identity_federations_expires ON identity_federations (expires_at);
CREATE INDEX identity_federations_user ON identity_federations (user_id);

-- +goose Down
DROP TABLE identity_federations;
DROP TABLE identity_federated;
DROP TABLE identity_providers;
