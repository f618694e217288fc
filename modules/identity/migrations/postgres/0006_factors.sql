-- +goose Up
ALTER TABLE identity_sessions ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
ALTER TABLE identity_tenants ADD COLUMN require_mfa boolean NOT NULL DEFAULT false;

CREATE TABLE identity_factors (
    id           uuid              NOT NULL PRIMARY KEY,
    user_id      uuid              NOT NULL,
    kind         character varying NOT NULL,
    sealed       bytea             NOT NULL,
    mark         bigint            NOT NULL DEFAULT 0,
    created_at   timestamptz       NOT NULL,
    confirmed_at timestamptz       NULL,
    last_used_at timestamptz       NULL,
    CONSTRAINT identity_factors_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE INDEX identity_factors_user ON identity_factors (user_id);
CREATE INDEX identity_factors_confirmed ON identity_factors (confirmed_at, created_at);

CREATE TABLE identity_recovery_codes (
    id         uuid        NOT NULL PRIMARY KEY,
    user_id    uuid        NOT NULL,
    code_hash  bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    used_at    timestamptz NULL,
    CONSTRAINT identity_recovery_codes_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_recovery_codes_code ON identity_recovery_codes (user_id, code_hash);

CREATE TABLE identity_sign_ins (
    id              uuid              NOT NULL PRIMARY KEY,
    user_id         uuid              NOT NULL,
    tenant_id       uuid              NOT NULL,
    token_hash      bytea             NOT NULL,
    password_digest bytea             NOT NULL,
    stronger_hash   character varying NOT NULL,
    methods         jsonb             NOT NULL,
    attempts        bigint            NOT NULL DEFAULT 0,
    created_at      timestamptz       NOT NULL,
    expires_at      timestamptz       NOT NULL,
    used_at         timestamptz       NULL,
    CONSTRAINT identity_sign_ins_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE,
    CONSTRAINT identity_sign_ins_identity_tenants_tenant FOREIGN KEY (tenant_id) REFERENCES identity_tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_sign_ins_token_hash_key ON identity_sign_ins (token_hash);
CREATE INDEX identity_sign_ins_user ON identity_sign_ins (user_id);
CREATE INDEX identity_sign_ins_tenant ON identity_sign_ins (tenant_id);
CREATE INDEX identity_sign_ins_expires ON identity_sign_ins (expires_at);

-- +goose Down
DROP TABLE identity_sign_ins;
DROP TABLE identity_recovery_codes;
DROP TABLE identity_factors;
ALTER TABLE identity_tenants DROP COLUMN require_mfa;
ALTER TABLE identity_sessions DROP COLUMN second_factor;
