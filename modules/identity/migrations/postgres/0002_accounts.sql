-- +goose Up
ALTER TABLE identity_users ADD COLUMN email_verified_at timestamptz NULL;
ALTER TABLE identity_users ADD COLUMN deletion_due_at timestamptz NULL;
CREATE INDEX identity_users_deletion ON identity_users (deletion_due_at);

CREATE TABLE identity_mail_tokens (
    id         uuid NOT NULL PRIMARY KEY,
    user_id    uuid NOT NULL,
    purpose    character varying NOT NULL,
    email      character varying NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz NULL,
    CONSTRAINT identity_mail_tokens_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_mail_tokens_token_hash_key ON identity_mail_tokens (token_hash);
CREATE INDEX identity_mail_tokens_user ON identity_mail_tokens (user_id, purpose);
CREATE INDEX identity_mail_tokens_expires ON identity_mail_tokens (expires_at);

CREATE TABLE identity_email_changes (
    id               uuid NOT NULL PRIMARY KEY,
    user_id          uuid NOT NULL,
    old_email        character varying NOT NULL,
    new_email        character varying NOT NULL,
    old_token_hash   bytea NOT NULL,
    new_token_hash   bytea NOT NULL,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    old_confirmed_at timestamptz NULL,
    new_confirmed_at timestamptz NULL,
    closed_at        timestamptz NULL,
    CONSTRAINT identity_email_changes_identity_users_user FOREIGN KEY (user_id) REFERENCES identity_users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_email_changes_old_token_hash_key ON identity_email_changes (old_token_hash);
CREATE UNIQUE INDEX identity_email_changes_new_token_hash_key ON identity_email_changes (new_token_hash);
CREATE INDEX identity_email_changes_user ON identity_email_changes (user_id);
CREATE INDEX identity_email_changes_expires ON identity_email_changes (expires_at);

-- +goose Down
DROP TABLE identity_email_changes;
DROP TABLE identity_mail_tokens;
DROP INDEX identity_users_deletion;
ALTER TABLE identity_users DROP COLUMN deletion_due_at;
ALTER TABLE identity_users DROP COLUMN email_verified_at;
