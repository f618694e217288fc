-- +goose Up
CREATE TABLE `authz_rules` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `ptype` text NOT NULL,
  `v0` text NOT NULL DEFAULT (''),
  `v1` text NOT NULL DEFAULT (''),
  `v2` text NOT NULL DEFAULT (''),
  `v3` text NOT NULL DEFAULT (''),
  `v4` text NOT NULL DEFAULT (''),
  `v5` text NOT NULL DEFAULT (''),
  `created_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `authz_rules_rule` ON `authz_rules` (`tenant_id`, `ptype`, `v0`, `v1`, `v2`, `v3`, `v4`, `v5`);

-- +goose Down
DROP TABLE `authz_rules`;
