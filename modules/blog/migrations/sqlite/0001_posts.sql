-- +goose Up
CREATE TABLE blog_posts (
    id           uuid     NOT NULL PRIMARY KEY,
    tenant_id    uuid     NOT NULL,
    title        text     NOT NULL,
    slug         text     NOT NULL,
    content      text     NOT NULL,
    status       text     NOT NULL,
    author_id    uuid     NOT NULL,
    version      integer  NOT NULL,
    created_at   datetime NOT NULL,
    updated_at   datetime NOT NULL,
    published_at datetime NULL
);
CREATE UNIQUE INDEX post_tenant_id_slug ON blog_posts (tenant_id, slug);
CREATE INDEX post_tenant_id_id ON blog_posts (tenant_id, id);

-- +goose Down
DROP TABLE blog_posts;
