-- +goose Up
-- AUTOINCREMENT keeps an id from being used again once the newest rows are deleted.
CREATE TABLE changes_log (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    topic text NOT NULL,
    key text NOT NULL,
    created_at datetime NOT NULL
);

-- +goose Down
DROP TABLE changes_log;
