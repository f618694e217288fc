-- +goose Up
CREATE TABLE `audit_events` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `time` datetime NOT NULL,
  `actor` uuid NULL,
  `permission` text NOT NULL,
  `target` text NOT NULL,
  `outcome` text NOT NULL,
  `ip` text NOT NULL,
  `request_id` text NOT NULL,
  `reason` text NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE INDEX `audit_events_tenant` ON `audit_events` (`tenant_id`, `id`);
CREATE INDEX `audit_events_actor` ON `audit_events` (`tenant_id`, `actor`, `id`);

-- The trail only grows. INSERT OR REPLACE deletes without a delete trigger, hence the third one.
-- +goose StatementBegin
CREATE TRIGGER `audit_events_no_update` BEFORE UPDATE ON `audit_events`
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_events_no_replace` BEFORE INSERT ON `audit_events`
WHEN EXISTS (SELECT 1 FROM `audit_events` WHERE `id` = NEW.`id`)
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE `audit_events`;
