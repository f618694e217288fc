-- +goose Up
CREATE TABLE "usage_hours" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "begins_s" bigint NOT NULL,
  "requests" bigint NOT NULL,
  "client_errors" bigint NOT NULL,
  "server_errors" bigint NOT NULL,
  "bytes_in" bigint NOT NULL,
  "bytes_out" bigint NOT NULL,
  "took_us" bigint NOT NULL,
  "latency" character varying NOT NULL,
  "units" character varying NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "usage_hours_tenant" ON "usage_hours" ("tenant_id", "begins_s");
CREATE INDEX "usage_hours_begins" ON "usage_hours" ("begins_s");
CREATE TABLE "usage_days" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "begins_s" bigint NOT NULL,
  "requests" bigint NOT NULL,
  "client_errors" bigint NOT NULL,
  "server_errors" bigint NOT NULL,
  "bytes_in" bigint NOT NULL,
  "bytes_out" bigint NOT NULL,
  "took_us" bigint NOT NULL,
  "latency" character varying NOT NULL,
  "units" character varying NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "usage_days_tenant" ON "usage_days" ("tenant_id", "begins_s");
CREATE INDEX "usage_days_begins" ON "usage_days" ("begins_s");
CREATE TABLE "usage_writers" (
  "id" character varying NOT NULL,
  "number" bigint NOT NULL,
  "seen_ms" bigint NOT NULL,
  PRIMARY KEY ("id")
);

-- +goose Down
DROP TABLE "usage_writers";
DROP TABLE "usage_days";
DROP TABLE "usage_hours";
