-- +goose Up
ALTER TABLE identity_tenants ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE identity_tenants ADD COLUMN erase_at datetime NULL;
CREATE INDEX identity_tenants_erase ON identity_tenants (erase_at);

CREATE TABLE identity_invitations (
    id         uuid     NOT NULL PRIMARY KEY,
    tenant_id  uuid     NOT NULL,
    email      text     NOT NULL,
    roles      json     NOT NULL,
    invited_by uuid     NOT NULL,
    token_hash blob     NOT NULL,
    created_at datetime NOT NULL,
    expires_at datetime NOT NULL,
    CONSTRAINT identity_invitations_identity_tenants_tenant FOREIGN KEY (tenant_id) REFERENCES identity_tenants (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_invitations_token_hash_key ON identity_invitations (token_hash);
CREATE UNIQUE INDEX identity_invitations_email ON identity_invitations (tenant_id, email);
CREATE INDEX identity_invitations_expires ON identity_invitations (expires_at);

-- +goose Down
DROP TABLE identity_invitations;
DROP INDEX identity_tenants_erase;
ALTER TABLE identity_tenants DROP COLUMN erase_at;
ALTER TABLE identity_tenants DROP COLUMN version;
