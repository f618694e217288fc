-- +goose Up
ALTER TABLE identity_sessions ADD COLUMN second_factor bool NOT NULL DEFAULT false;
ALTER TABLE identity_tenants ADD COLUMN require_mfa bool NOT NULL DEFAULT false;

CREATE TABLE identity_factors (
    id           uuid     NOT NULL PRIMARY KEY,
    user_id      uuid     NOT NULL,
    kind         text     NOT NULL,
    sealed       blob     NOT NULL,
    mark         integer  NOT NULL DEFAULT 0,
    created_at   datetime NOT NULL,
    confirmed_at datetime NULL,
    last_used_at datetime NULL,
    CONSTRAINT identity_factors_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE INDEX identity_factors_user ON identity_factors (user_id);
CREATE INDEX identity_factors_confirmed ON identity_factors (confirmed_at, created_at);

CREATE TABLE identity_recovery_codes (
    id         uuid     NOT NULL PRIMARY KEY,
    user_id    uuid     NOT NULL,
    code_hash  blob     NOT NULL,
    created_at datetime NOT NULL,
    used_at    datetime NULL,
    CONSTRAINT identity_recovery_codes_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_recovery_codes_code ON identity_recovery_codes (user_id, code_hash);

CREATE TABLE identity_sign_ins (
    id              uuid     NOT NULL PRIMARY KEY,
    user_id         uuid     NOT NULL,
    tenant_id       uuid     NOT NULL,
    token_hash      blob     NOT NULL,
    password_digest blob     NOT NULL,
    stronger_hash   text     NOT NULL,
    methods         json     NOT NULL,
    attempts        integer  NOT NULL DEFAULT 0,
    created_at      datetime NOT NULL,
    expires_at      datetime NOT NULL,
    used_at         datetime NULL,
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
