-- +goose Up
CREATE TABLE blog_terms (
    id        integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id uuid              NOT NULL,
    post_id   uuid              NOT NULL,
    term      text NOT NULL
);
CREATE INDEX blog_terms_term ON blog_terms (tenant_id, term, post_id);
CREATE UNIQUE INDEX blog_terms_post ON blog_terms (tenant_id, post_id, term);

CREATE TABLE blog_followers (
    id         integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id  uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    created_at datetime NOT NULL
);
CREATE UNIQUE INDEX blog_followers_user ON blog_followers (tenant_id, user_id);

CREATE INDEX post_published_at ON blog_posts (published_at);

-- +goose Down
DROP INDEX post_published_at;
DROP TABLE blog_followers;
DROP TABLE blog_terms;
