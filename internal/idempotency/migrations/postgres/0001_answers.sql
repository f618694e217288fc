-- +goose Up
CREATE TABLE "idempotency_answers" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "answer" bytea NOT NULL,
  "expires_ms" bigint NOT NULL,
  PRIMARY KEY ("id")
);
CREATE INDEX "idempotency_answers_user" ON "idempotency_answers" ("tenant_id", "user_id");
CREATE INDEX "idempotency_answers_expires" ON "idempotency_answers" ("expires_ms");

-- +goose Down
DROP TABLE "idempotency_answers";
