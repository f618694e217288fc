-- +goose Up
CREATE TABLE `terms_limits` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `plan` text NOT NULL DEFAULT '',
  `body` json NOT NULL,
  `version` integer NOT NULL DEFAULT 0,
  `updated_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE INDEX `terms_limits_plan` ON `terms_limits` (`plan`);
CREATE TABLE `terms_policies` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `body` json NOT NULL,
  `version` integer NOT NULL DEFAULT 0,
  `updated_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE TABLE `terms_plans` (
  `id` text NOT NULL,
  `description` text NOT NULL DEFAULT '',
  `body` json NOT NULL,
  `version` integer NOT NULL DEFAULT 0,
  `updated_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);

-- +goose Down
DROP TABLE `terms_plans`;
DROP TABLE `terms_policies`;
DROP TABLE `terms_limits`;
