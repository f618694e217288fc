-- +goose Up
CREATE TABLE `settings_values` (
  `id` text NOT NULL,
  `tenant_id` uuid NOT NULL,
  `user_id` uuid NOT NULL,
  `key` text NOT NULL,
  `value` json NULL,
  `sealed` blob NULL,
  `updated_at` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `settings_values_key` ON `settings_values` (`tenant_id`, `user_id`, `key`);
CREATE TABLE `settings_revisions` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `user_id` uuid NOT NULL,
  `version` integer NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `settings_revisions_user` ON `settings_revisions` (`tenant_id`, `user_id`);

-- +goose Down
DROP TABLE `settings_revisions`;
DROP TABLE `settings_values`;
