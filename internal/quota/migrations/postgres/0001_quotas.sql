-- +goose Up
CREATE TABLE "quota_counters" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "unit" character varying NOT NULL,
  "minute" bigint NOT NULL DEFAULT 0,
  "minute_used" bigint NOT NULL DEFAULT 0,
  "minute_told" bigint NOT NULL DEFAULT 0,
  "minute_told_of" bigint NOT NULL DEFAULT 0,
  "hour" bigint NOT NULL DEFAULT 0,
  "hour_used" bigint NOT NULL DEFAULT 0,
  "hour_told" bigint NOT NULL DEFAULT 0,
  "hour_told_of" bigint NOT NULL DEFAULT 0,
  "day" bigint NOT NULL DEFAULT 0,
  "day_used" bigint NOT NULL DEFAULT 0,
  "day_told" bigint NOT NULL DEFAULT 0,
  "day_told_of" bigint NOT NULL DEFAULT 0,
  "month" bigint NOT NULL DEFAULT 0,
  "month_used" bigint NOT NULL DEFAULT 0,
  "month_told" bigint NOT NULL DEFAULT 0,
  "month_told_of" bigint NOT NULL DEFAULT 0,
  "lifetime_used" bigint NOT NULL DEFAULT 0,
  "lifetime_told" bigint NOT NULL DEFAULT 0,
  "lifetime_told_of" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "quota_counters_unit" ON "quota_counters" ("tenant_id", "unit");
CREATE TABLE "quota_reservations" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "unit" character varying NOT NULL,
  "amount" bigint NOT NULL,
  "minute" bigint NOT NULL,
  "hour" bigint NOT NULL,
  "day" bigint NOT NULL,
  "month" bigint NOT NULL,
  "expires_ms" bigint NOT NULL,
  PRIMARY KEY ("id")
);
CREATE INDEX "quota_reservations_tenant" ON "quota_reservations" ("tenant_id");
CREATE INDEX "quota_reservations_expires" ON "quota_reservations" ("expires_ms");

-- +goose Down
DROP TABLE "quota_reservations";
DROP TABLE "quota_counters";
