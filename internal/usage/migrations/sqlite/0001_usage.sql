-- +goose Up
CREATE TABLE `usage_hours` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `begins_s` integer NOT NULL,
  `requests` integer NOT NULL,
  `client_errors` integer NOT NULL,
  `server_errors` integer NOT NULL,
  `bytes_in` integer NOT NULL,
  `bytes_out` integer NOT NULL,
  `took_us` integer NOT NULL,
  `latency` text NOT NULL,
  `units` text NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `usage_hours_tenant` ON `usage_hours` (`tenant_id`, `begins_s`);
CREATE INDEX `usage_hours_begins` ON `usage_hours` (`begins_s`);
CREATE TABLE `usage_days` (
  `id` uuid NOT NULL,
  `tenant_id` uuid NOT NULL,
  `begins_s` integer NOT NULL,
  `requests` integer NOT NULL,
  `client_errors` integer NOT NULL,
  `server_errors` integer NOT NULL,
  `bytes_in` integer NOT NULL,
  `bytes_out` integer NOT NULL,
  `took_us` integer NOT NULL,
  `latency` text NOT NULL,
  `units` text NOT NULL,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `usage_days_tenant` ON `usage_days` (`tenant_id`, `begins_s`);
CREATE INDEX `usage_days_begins` ON `usage_days` (`begins_s`);
CREATE TABLE `usage_writers` (
  `id` text NOT NULL,
  `number` integer NOT NULL,
  `seen_ms` integer NOT NULL,
  PRIMARY KEY (`id`)
);

-- +goose Down
DROP TABLE `usage_writers`;
DROP TABLE `usage_days`;
DROP TABLE `usage_hours`;
