#!/bin/sh
# Runs once, when the database's folder is empty. The platform gets a role of its own that owns its database and
# nothing else: a superuser would pass every row-level policy. Its statements run in platform_app, which owns nothing and
# cannot log in (database.app_role).
set -eu

psql --set ON_ERROR_STOP=1 --set password="$DATABASE_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE platform LOGIN PASSWORD :'password';
CREATE ROLE platform_app NOLOGIN;
GRANT platform_app TO platform;
CREATE DATABASE platform OWNER platform;
SQL
