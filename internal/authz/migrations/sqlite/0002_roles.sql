-- +goose Up
CREATE TABLE `authz_roles` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `name` text NOT NULL,
  `name_key` text NOT NULL,
  `description` text NOT NULL DEFAULT (''),
  `version` integer NOT NULL DEFAULT (1),
  `created_at` datetime NOT NULL,
  `updated_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `authz_roles_name` ON `authz_roles` (`tenant_id`, `name_key`);
CREATE INDEX `authz_roles_page` ON `authz_roles` (`tenant_id`, `id`);

-- Roles that exist by their rules alone become visible.
INSERT INTO `authz_roles` (`id`, `tenant_id`, `name`, `name_key`, `created_at`, `updated_at`)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' ||
       substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), `tenant_id`, `v0`, lower(`v0`), min(`created_at`), min(`created_at`)
FROM `authz_rules` WHERE `ptype` = 'p' GROUP BY `tenant_id`, `v0`;

-- +goose Down
DROP TABLE `authz_roles`;
