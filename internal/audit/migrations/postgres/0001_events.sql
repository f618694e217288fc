-- +goose Up
CREATE TABLE "audit_events" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "time" timestamptz NOT NULL,
  "actor" uuid NULL,
  "permission" character varying NOT NULL,
  "target" character varying NOT NULL,
  "outcome" character varying NOT NULL,
  "ip" character varying NOT NULL,
  "request_id" character varying NOT NULL,
  "reason" character varying NOT NULL,
  PRIMARY KEY ("id")
);
CREATE INDEX "audit_events_tenant" ON "audit_events" ("tenant_id", "id");
CREATE INDEX "audit_events_actor" ON "audit_events" ("tenant_id", "actor", "id");

-- The trail only grows.
-- +goose StatementBegin
CREATE FUNCTION "audit_events_refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_events is append-only';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_events_refuse"();

-- +goose Down
DROP TABLE "audit_events";
DROP FUNCTION "audit_events_refuse"();
