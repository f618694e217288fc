-- +goose Up
CREATE TABLE notify_notifications (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    template text NOT NULL,
    category text NOT NULL,
    locale text NOT NULL,
    sealed blob NULL,
    expires_at datetime NOT NULL,
    created_at datetime NOT NULL
);
CREATE INDEX notify_notifications_tenant ON notify_notifications (tenant_id, user_id, id);
CREATE INDEX notify_notifications_open ON notify_notifications (expires_at) WHERE sealed IS NOT NULL;

CREATE TABLE notify_deliveries (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    channels text NOT NULL,
    position integer NOT NULL,
    attempts integer NOT NULL,
    state text NOT NULL,
    why text NOT NULL,
    provider_id text NOT NULL,
    due_at datetime NOT NULL,
    changed_at datetime NOT NULL
);
CREATE INDEX notify_deliveries_notification ON notify_deliveries (notification_id);
CREATE INDEX notify_deliveries_tenant ON notify_deliveries (tenant_id, id);
CREATE INDEX notify_deliveries_state ON notify_deliveries (state, tenant_id, recipient_id, due_at);

CREATE TABLE notify_attempts (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    why text NOT NULL,
    permanent bool NOT NULL,
    provider_id text NOT NULL,
    created_at datetime NOT NULL
);
CREATE INDEX notify_attempts_delivery ON notify_attempts (delivery_id);
CREATE INDEX notify_attempts_tenant ON notify_attempts (tenant_id, id);
CREATE INDEX notify_attempts_time ON notify_attempts (created_at);

CREATE TABLE notify_preferences (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    choices text NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX notify_preferences_recipient ON notify_preferences (tenant_id, recipient_id);

CREATE TABLE notify_inbox (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    template text NOT NULL,
    category text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    created_at datetime NOT NULL,
    read_at datetime NULL,
    archived_at datetime NULL
);
CREATE INDEX notify_inbox_user ON notify_inbox (tenant_id, user_id, id);
CREATE INDEX notify_inbox_unread ON notify_inbox (tenant_id, user_id) WHERE read_at IS NULL;
CREATE INDEX notify_inbox_time ON notify_inbox (created_at);

CREATE TABLE notify_templates (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    template text NOT NULL,
    locale text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    short text NOT NULL,
    updated_by uuid NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX notify_templates_locale ON notify_templates (tenant_id, template, locale);

-- +goose Down
DROP TABLE notify_templates;
DROP TABLE notify_inbox;
DROP TABLE notify_preferences;
DROP TABLE notify_attempts;
DROP TABLE notify_deliveries;
DROP TABLE notify_notifications;
