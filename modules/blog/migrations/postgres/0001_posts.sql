-- +goose Up
CREATE TABLE blog_posts (
    id           uuid              NOT NULL PRIMARY KEY,
    tenant_id    uuid              NOT NULL,
    title        character varying NOT NULL,
    slug         character varying NOT NULL,
    content      text              NOT NULL,
    status       character varying NOT NULL,
    author_id    uuid              NOT NULL,
    version      bigint            NOT NULL,
    created_at   timestamptz       NOT NULL,
    updated_at   timestamptz       NOT NULL,
    published_at timestamptz       NULL
);
CREATE UNIQUE INDEX post_tenant_id_slug ON blog_posts (tenant_id, slug);
CREATE INDEX post_tenant_id_id ON blog_posts (tenant_id, id);

-- +goose Down
DROP TABLE blog_posts;
