-- +goose Up
ALTER TABLE `audit_events` ADD COLUMN `changes` text NULL;
ALTER TABLE `audit_events` ADD COLUMN `mac` blob NULL;

CREATE TABLE `audit_links` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `seq` integer NOT NULL,
  `digest` blob NOT NULL,
  `prev` blob NOT NULL,
  `hash` blob NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `audit_links_place` ON `audit_links` (`tenant_id`, `seq`);

CREATE TABLE `audit_checkpoints` (
  `id` integer NOT NULL,
  `tenant_id` uuid NOT NULL,
  `seq` integer NOT NULL,
  `hash` blob NOT NULL,
  `time` datetime NOT NULL,
  `key_id` uuid NOT NULL,
  `signature` blob NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE INDEX `audit_checkpoints_place` ON `audit_checkpoints` (`tenant_id`, `seq`);

CREATE TABLE `audit_anchors` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `seq` integer NOT NULL,
  `hash` blob NOT NULL,
  `time` datetime NOT NULL,
  `key_id` uuid NOT NULL,
  `signature` blob NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `audit_anchors_place` ON `audit_anchors` (`tenant_id`, `seq`);

CREATE TABLE `audit_unsealed` (
  `id` uuid NOT NULL,
  `refused` bool NOT NULL,
  PRIMARY KEY (`id`)
);

CREATE TABLE `audit_keys` (
  `id` uuid NOT NULL,
  `algorithm` text NOT NULL,
  `public_key` blob NOT NULL,
  `private_key` blob NOT NULL,
  PRIMARY KEY (`id`)
);

CREATE TABLE `audit_head` (
  `id` integer NOT NULL,
  `number` integer NOT NULL,
  `floor` integer NOT NULL,
  `key_id` uuid NULL,
  `signature` blob NULL,
  PRIMARY KEY (`id`)
);
INSERT INTO `audit_head` (`id`, `number`, `floor`) VALUES (1, 0, 0);

-- What is there already is sealed as it is, when the first key is made.
INSERT INTO `audit_unsealed` (`id`, `refused`) SELECT `id`, false FROM `audit_events`;
-- +goose StatementBegin
CREATE TRIGGER `audit_events_queued` AFTER INSERT ON `audit_events`
BEGIN
  INSERT INTO `audit_unsealed` (`id`, `refused`) VALUES (NEW.`id`, false);
END;
-- +goose StatementEnd

-- Every table only grows, but for what a retention anchor covers. INSERT OR REPLACE deletes without a delete trigger,
-- hence the triggers that refuse replacing.
DROP TRIGGER `audit_events_no_delete`;
-- +goose StatementBegin
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
WHEN NOT EXISTS (
  SELECT 1 FROM `audit_links` l JOIN `audit_anchors` a ON a.`tenant_id` = l.`tenant_id` AND a.`seq` >= l.`seq`
  WHERE l.`id` = OLD.`id` AND l.`tenant_id` = OLD.`tenant_id`
)
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_links_no_update` BEFORE UPDATE ON `audit_links`
BEGIN
  SELECT RAISE(ABORT, 'audit_links is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_links_no_delete` BEFORE DELETE ON `audit_links`
WHEN EXISTS (SELECT 1 FROM `audit_events` WHERE `id` = OLD.`id`)
  OR NOT EXISTS (SELECT 1 FROM `audit_anchors` WHERE `tenant_id` = OLD.`tenant_id` AND `seq` >= OLD.`seq`)
BEGIN
  SELECT RAISE(ABORT, 'audit_links is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_links_no_replace` BEFORE INSERT ON `audit_links`
WHEN EXISTS (SELECT 1 FROM `audit_links` WHERE `id` = NEW.`id` OR (`tenant_id` = NEW.`tenant_id` AND `seq` = NEW.`seq`))
BEGIN
  SELECT RAISE(ABORT, 'audit_links is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_checkpoints_no_update` BEFORE UPDATE ON `audit_checkpoints`
BEGIN
  SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_checkpoints_no_delete` BEFORE DELETE ON `audit_checkpoints`
WHEN NOT EXISTS (SELECT 1 FROM `audit_anchors` WHERE `tenant_id` = OLD.`tenant_id` AND `seq` >= OLD.`seq`)
BEGIN
  SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_checkpoints_no_replace` BEFORE INSERT ON `audit_checkpoints`
WHEN EXISTS (SELECT 1 FROM `audit_checkpoints` WHERE `id` = NEW.`id`)
BEGIN
  SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_anchors_no_update` BEFORE UPDATE ON `audit_anchors`
BEGIN
  SELECT RAISE(ABORT, 'audit_anchors is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_anchors_no_delete` BEFORE DELETE ON `audit_anchors`
WHEN NOT EXISTS (SELECT 1 FROM `audit_anchors` WHERE `tenant_id` = OLD.`tenant_id` AND `seq` > OLD.`seq`)
BEGIN
  SELECT RAISE(ABORT, 'audit_anchors is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_anchors_no_replace` BEFORE INSERT ON `audit_anchors`
WHEN EXISTS (SELECT 1 FROM `audit_anchors` WHERE `id` = NEW.`id` OR (`tenant_id` = NEW.`tenant_id` AND `seq` = NEW.`seq`))
BEGIN
  SELECT RAISE(ABORT, 'audit_anchors is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_keys_no_update` BEFORE UPDATE ON `audit_keys`
BEGIN
  SELECT RAISE(ABORT, 'audit_keys is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_keys_no_delete` BEFORE DELETE ON `audit_keys`
BEGIN
  SELECT RAISE(ABORT, 'audit_keys is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_keys_no_replace` BEFORE INSERT ON `audit_keys`
WHEN EXISTS (SELECT 1 FROM `audit_keys` WHERE `id` = NEW.`id`)
BEGIN
  SELECT RAISE(ABORT, 'audit_keys is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_anchors_fitting` BEFORE INSERT ON `audit_anchors`
WHEN NOT EXISTS (
  SELECT 1 FROM `audit_links` WHERE `tenant_id` = NEW.`tenant_id` AND `seq` = NEW.`seq` AND `hash` = NEW.`hash`
)
BEGIN
  SELECT RAISE(ABORT, 'audit_anchors must name a link');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_unsealed_kept` BEFORE DELETE ON `audit_unsealed`
WHEN NOT EXISTS (SELECT 1 FROM `audit_links` WHERE `id` = OLD.`id`)
BEGIN
  SELECT RAISE(ABORT, 'audit_unsealed only gives up what is sealed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_head_growing` BEFORE UPDATE ON `audit_head`
WHEN NEW.`id` <> OLD.`id` OR NEW.`number` < OLD.`number` OR NEW.`floor` < OLD.`floor`
BEGIN
  SELECT RAISE(ABORT, 'audit_head only grows');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_head_no_delete` BEFORE DELETE ON `audit_head`
BEGIN
  SELECT RAISE(ABORT, 'audit_head is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_head_no_replace` BEFORE INSERT ON `audit_head`
WHEN EXISTS (SELECT 1 FROM `audit_head` WHERE `id` = NEW.`id`)
BEGIN
  SELECT RAISE(ABORT, 'audit_head is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE `audit_head`;
DROP TABLE `audit_keys`;
DROP TRIGGER `audit_events_no_delete`;
DROP TRIGGER `audit_events_queued`;
DROP TABLE `audit_unsealed`;
DROP TABLE `audit_anchors`;
DROP TABLE `audit_checkpoints`;
DROP TABLE `audit_links`;
-- +goose StatementBegin
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
-- +goose StatementEnd
ALTER TABLE `audit_events` DROP COLUMN `mac`;
ALTER TABLE `audit_events` DROP COLUMN `changes`;
