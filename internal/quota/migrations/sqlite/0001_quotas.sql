-- +goose Up
CREATE TABLE `quota_counters` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `unit` text NOT NULL,
  `minute` integer NOT NULL DEFAULT 0,
  `minute_used` integer NOT NULL DEFAULT 0,
  `minute_told` integer NOT NULL DEFAULT 0,
  `minute_told_of` integer NOT NULL DEFAULT 0,
  `hour` integer NOT NULL DEFAULT 0,
  `hour_used` integer NOT NULL DEFAULT 0,
  `hour_told` integer NOT NULL DEFAULT 0,
  `hour_told_of` integer NOT NULL DEFAULT 0,
  `day` integer NOT NULL DEFAULT 0,
  `day_used` integer NOT NULL DEFAULT 0,
  `day_told` integer NOT NULL DEFAULT 0,
  `day_told_of` integer NOT NULL DEFAULT 0,
  `month` integer NOT NULL DEFAULT 0,
  `month_used` integer NOT NULL DEFAULT 0,
  `month_told` integer NOT NULL DEFAULT 0,
  `month_told_of` integer NOT NULL DEFAULT 0,
  `lifetime_used` integer NOT NULL DEFAULT 0,
  `lifetime_told` integer NOT NULL DEFAULT 0,
  `lifetime_told_of` integer NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `quota_counters_unit` ON `quota_counters` (`tenant_id`, `unit`);
CREATE TABLE `quota_reservations` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `unit` text NOT NULL,
  `amount` integer NOT NULL,
  `minute` integer NOT NULL,
  `hour` integer NOT NULL,
  `day` integer NOT NULL,
  `month` integer NOT NULL,
  `expires_ms` integer NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE INDEX `quota_reservations_tenant` ON `quota_reservations` (`tenant_id`);
CREATE INDEX `quota_reservations_expires` ON `quota_reservations` (`expires_ms`);

-- +goose Down
DROP TABLE `quota_reservations`;
DROP TABLE `quota_counters`;
