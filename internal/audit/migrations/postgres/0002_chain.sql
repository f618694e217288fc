-- +goose Up
ALTER TABLE "audit_events" ADD COLUMN "changes" text NULL, ADD COLUMN "mac" bytea NULL;

CREATE TABLE "audit_links" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "seq" bigint NOT NULL,
  "digest" bytea NOT NULL,
  "prev" bytea NOT NULL,
  "hash" bytea NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "audit_links_place" ON "audit_links" ("tenant_id", "seq");

CREATE TABLE "audit_checkpoints" (
  "id" bigint NOT NULL,
  "tenant_id" uuid NOT NULL,
  "seq" bigint NOT NULL,
  "hash" bytea NOT NULL,
  "time" timestamptz NOT NULL,
  "key_id" uuid NOT NULL,
  "signature" bytea NOT NULL,
  PRIMARY KEY ("id")
);
CREATE INDEX "audit_checkpoints_place" ON "audit_checkpoints" ("tenant_id", "seq");

CREATE TABLE "audit_anchors" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "seq" bigint NOT NULL,
  "hash" bytea NOT NULL,
  "time" timestamptz NOT NULL,
  "key_id" uuid NOT NULL,
  "signature" bytea NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "audit_anchors_place" ON "audit_anchors" ("tenant_id", "seq");

CREATE TABLE "audit_unsealed" (
  "id" uuid NOT NULL,
  "refused" boolean NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "audit_keys" (
  "id" uuid NOT NULL,
  "algorithm" character varying NOT NULL,
  "public_key" bytea NOT NULL,
  "private_key" bytea NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "audit_head" (
  "id" bigint NOT NULL,
  "number" bigint NOT NULL,
  "floor" bigint NOT NULL,
  "key_id" uuid NULL,
  "signature" bytea NULL,
  PRIMARY KEY ("id")
);
INSERT INTO "audit_head" ("id", "number", "floor") VALUES (1, 0, 0);

-- What is there already is sealed as it is, when the first key is made.
INSERT INTO "audit_unsealed" ("id", "refused") SELECT "id", false FROM "audit_events";

-- +goose StatementBegin
CREATE FUNCTION "audit_events_queue"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "audit_unsealed" ("id", "refused") VALUES (NEW."id", false);
  RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER "audit_events_queued" AFTER INSERT ON "audit_events"
  FOR EACH ROW EXECUTE FUNCTION "audit_events_queue"();

-- Every table only grows, but for what a retention anchor covers.
-- +goose StatementBegin
CREATE FUNCTION "audit_refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_events_keep"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM "audit_links" l JOIN "audit_anchors" a ON a."tenant_id" = l."tenant_id" AND a."seq" >= l."seq"
    WHERE l."id" = OLD."id" AND l."tenant_id" = OLD."tenant_id"
  ) THEN
    RAISE EXCEPTION 'audit_events is append-only';
  END IF;
  RETURN OLD;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_links_keep"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM "audit_events" WHERE "id" = OLD."id")
    OR NOT EXISTS (SELECT 1 FROM "audit_anchors" WHERE "tenant_id" = OLD."tenant_id" AND "seq" >= OLD."seq") THEN
    RAISE EXCEPTION 'audit_links is append-only';
  END IF;
  RETURN OLD;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_checkpoints_keep"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM "audit_anchors" WHERE "tenant_id" = OLD."tenant_id" AND "seq" >= OLD."seq") THEN
    RAISE EXCEPTION 'audit_checkpoints is append-only';
  END IF;
  RETURN OLD;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_anchors_keep"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM "audit_anchors" WHERE "tenant_id" = OLD."tenant_id" AND "seq" > OLD."seq") THEN
    RAISE EXCEPTION 'audit_anchors is append-only';
  END IF;
  RETURN OLD;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_anchors_fit"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM "audit_links" WHERE "tenant_id" = NEW."tenant_id" AND "seq" = NEW."seq" AND "hash" = NEW."hash"
  ) THEN
    RAISE EXCEPTION 'audit_anchors must name a link';
  END IF;
  RETURN NEW;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_unsealed_keep"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM "audit_links" WHERE "id" = OLD."id") THEN
    RAISE EXCEPTION 'audit_unsealed only gives up what is sealed';
  END IF;
  RETURN OLD;
END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION "audit_head_grow"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."id" <> OLD."id" OR NEW."number" < OLD."number" OR NEW."floor" < OLD."floor" THEN
    RAISE EXCEPTION 'audit_head only grows';
  END IF;
  RETURN NEW;
END;
$$;
-- +goose StatementEnd
DROP TRIGGER "audit_events_append_only" ON "audit_events";
DROP FUNCTION "audit_events_refuse"();
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_events_kept" BEFORE DELETE ON "audit_events"
  FOR EACH ROW EXECUTE FUNCTION "audit_events_keep"();
CREATE TRIGGER "audit_links_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_links"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_links_kept" BEFORE DELETE ON "audit_links"
  FOR EACH ROW EXECUTE FUNCTION "audit_links_keep"();
CREATE TRIGGER "audit_checkpoints_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_checkpoints"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_checkpoints_kept" BEFORE DELETE ON "audit_checkpoints"
  FOR EACH ROW EXECUTE FUNCTION "audit_checkpoints_keep"();
CREATE TRIGGER "audit_anchors_append_only" BEFORE UPDATE OR TRUNCATE ON "audit_anchors"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_anchors_kept" BEFORE DELETE ON "audit_anchors"
  FOR EACH ROW EXECUTE FUNCTION "audit_anchors_keep"();
CREATE TRIGGER "audit_anchors_fitting" BEFORE INSERT ON "audit_anchors"
  FOR EACH ROW EXECUTE FUNCTION "audit_anchors_fit"();
CREATE TRIGGER "audit_unsealed_append_only" BEFORE TRUNCATE ON "audit_unsealed"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_unsealed_kept" BEFORE DELETE ON "audit_unsealed"
  FOR EACH ROW EXECUTE FUNCTION "audit_unsealed_keep"();
CREATE TRIGGER "audit_keys_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_keys"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_head_append_only" BEFORE DELETE OR TRUNCATE ON "audit_head"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse"();
CREATE TRIGGER "audit_head_growing" BEFORE UPDATE ON "audit_head"
  FOR EACH ROW EXECUTE FUNCTION "audit_head_grow"();

-- +goose Down
DROP TABLE "audit_head";
DROP TABLE "audit_keys";
DROP TABLE "audit_unsealed";
DROP TABLE "audit_anchors";
DROP TABLE "audit_checkpoints";
DROP TABLE "audit_links";
DROP TRIGGER "audit_events_kept" ON "audit_events";
DROP TRIGGER "audit_events_append_only" ON "audit_events";
DROP TRIGGER "audit_events_queued" ON "audit_events";
DROP FUNCTION "audit_events_queue"();
DROP FUNCTION "audit_events_keep"();
DROP FUNCTION "audit_links_keep"();
DROP FUNCTION "audit_checkpoints_keep"();
DROP FUNCTION "audit_anchors_keep"();
DROP FUNCTION "audit_anchors_fit"();
DROP FUNCTION "audit_unsealed_keep"();
DROP FUNCTION "audit_head_grow"();
DROP FUNCTION "audit_refuse"();
-- +goose StatementBegin
CREATE FUNCTION "audit_events_refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_events is append-only';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_events_refuse"();
ALTER TABLE "audit_events" DROP COLUMN "mac", DROP COLUMN "changes";
