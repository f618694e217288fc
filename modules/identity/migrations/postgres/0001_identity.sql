-- +goose Up
CREATE TABLE identity_users (
    id            uuid              NOT NULL PRIMARY KEY,
    email         character varying NOT NULL,
    name          character varying NOT NULL,
    password_hash character varying NOT NULL,
    disabled_at   timestamptz       NULL,
    created_at    timestamptz       NOT NULL,
    updated_at    timestamptz       NOT NULL
);
CREATE UNIQUE INDEX identity_users_email_key ON identity_users (email);

CREATE TABLE identity_tenants (
    id           uuid              NOT NULL PRIMARY KEY,
    name         character varying NOT NULL,
    slug         character varying NOT NULL,
    kind         character varying NOT NULL,
    suspended_at timestamptz       NULL,
    created_at   timestamptz       NOT NULL
);
CREATE UNIQUE INDEX identity_tenants_slug_key ON identity_tenants (slug);

CREATE TABLE identity_memberships (
    id         uuid        NOT NULL PRIMARY KEY,
    tenant_id  uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT identity_memberships_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE,
    CONSTRAINT identity_memberships_identity_tenants_tenant FOREIGN KEY (tenant_id) REFERENCES identity_tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_memberships_member ON identity_memberships (tenant_id, user_id);
CREATE INDEX identity_memberships_user ON identity_memberships (user_id);

CREATE TABLE identity_sessions (
    id           uuid              NOT NULL PRIMARY KEY,
    user_id      uuid              NOT NULL,
    tenant_id    uuid              NOT NULL,
    user_agent   character varying NOT NULL,
    ip           character varying NOT NULL,
    created_at   timestamptz       NOT NULL,
    last_seen_at timestamptz       NOT NULL,
    expires_at   timestamptz       NOT NULL,
    revoked_at   timestamptz       NULL,
    CONSTRAINT identity_sessions_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE,
    CONSTRAINT identity_sessions_identity_tenants_tenant FOREIGN KEY (tenant_id) REFERENCES identity_tenants (id) ON DELETE CASCADE
);
CREATE INDEX identity_sessions_user ON identity_sessions (user_id);
CREATE INDEX identity_sessions_tenant ON identity_sessions (tenant_id);
CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at);
CREATE INDEX identity_sessions_revoked ON identity_sessions (revoked_at);

CREATE TABLE identity_refresh_tokens (
    id         uuid        NOT NULL PRIMARY KEY,
    session_id uuid        NOT NULL,
    token_hash bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz NULL,
    CONSTRAINT identity_refresh_tokens_identity_sessions_session FOREIGN KEY (session_id) REFERENCES identity_sessions (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_refresh_tokens_token_hash_key ON identity_refresh_tokens (token_hash);
CREATE INDEX identity_refresh_tokens_session ON identity_refresh_tokens (session_id);
CREATE INDEX identity_refresh_tokens_expires ON identity_refresh_tokens (expires_at);

-- +goose Down
DROP TABLE identity_refresh_tokens;
DROP TABLE identity_sessions;
DROP TABLE identity_memberships;
DROP TABLE identity_tenants;
DROP TABLE identity_users;
