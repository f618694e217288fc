package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
)

// makeRole makes the role where it is missing and the login may, makes the login a member, and grants what is missing on
// tables and sequences: data only, and nothing on the version tables. What the login may not do is left to Confine, which
// knows whether it matters.
func (d *Driver) makeRole(ctx context.Context, db *sql.DB) error {
	role := ident(d.cfg.AppRole)
	for _, s := range []struct{ missing, statement string }{
		{
			"SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)",
			"CREATE ROLE " + role + " NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
		},
		{
			"SELECT NOT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $1",
			"GRANT " + role + " TO CURRENT_USER",
		},
	} {
		if err := d.inCluster(ctx, db, s.missing, s.statement); err != nil {
			return err
		}
	}
	grants, err := d.missingGrants(ctx, db)
	if err != nil || len(grants) == 0 {
		return err
	}
	err = inOne(ctx, db, grants...)
	if is(err, "42501") {
		return nil
	}
	return err
}

// inCluster runs statement if missing says so. Roles belong to all databases of the server, so the migration lock of one
// does not keep the others from doing the same at the same time.
func (d *Driver) inCluster(ctx context.Context, db *sql.DB, missing, statement string) error {
	for attempt := 1; ; attempt++ {
		wanted, err := collect(ctx, db, missing, func(r *sql.Rows, b *bool) error { return r.Scan(b) }, d.cfg.AppRole)
		if err != nil || len(wanted) == 0 || !wanted[0] {
			return err
		}
		_, err = db.ExecContext(ctx, statement)
		switch {
		case err == nil, is(err, "42501"): // insufficient privilege
			return nil
		case attempt == 5 || !is(err, "42710", "23505", "XX000"): // there by now: object, row, tuple updated concurrently
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * 50 * time.Millisecond):
		}
	}
}

const findMissingGrants = `
SELECT CASE WHEN c.relkind = 'S' THEN 'USAGE, SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END,
       CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname
FROM pg_class c JOIN pg_roles r ON r.rolname = $1
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname !~ '_migrations(_id_seq)?$' AND CASE
  WHEN c.relkind = 'S' THEN NOT (has_sequence_privilege(r.oid, c.oid, 'USAGE') AND has_sequence_privilege(r.oid, c.oid, 'SELECT'))
  WHEN c.relkind IN ('r', 'p', 'v', 'm') THEN NOT (has_table_privilege(r.oid, c.oid, 'SELECT') AND has_table_privilege(r.oid, c.oid, 'INSERT')
    AND has_table_privilege(r.oid, c.oid, 'UPDATE') AND has_table_privilege(r.oid, c.oid, 'DELETE')) END
ORDER BY c.relname`

// missingGrants are the statements that give the role what it lacks.
func (d *Driver) missingGrants(ctx context.Context, db *sql.DB) ([]string, error) {
	to := " TO " + ident(d.cfg.AppRole)
	grants, err := collect(ctx, db, findMissingGrants, func(r *sql.Rows, grant *string) error {
		var what, kind, name string
		err := r.Scan(&what, &kind, &name)
		*grant = "GRANT " + what + " ON " + kind + " " + ident(name) + to
		return err
	}, d.cfg.AppRole)
	if err != nil {
		return nil, err
	}
	schema, err := collect(ctx, db, `SELECT current_schema() FROM pg_roles WHERE rolname = $1
		AND NOT has_schema_privilege(oid, current_schema(), 'USAGE')`,
		func(r *sql.Rows, name *string) error { return r.Scan(name) }, d.cfg.AppRole)
	for _, name := range schema {
		grants = append(grants, "GRANT USAGE ON SCHEMA "+ident(name)+to)
	}
	return grants, err
}

// Confine puts every statement from now on into the role that row-level security holds for. When that cannot be, it is an
// error where security matters, and a warning on a developer's machine and in tests.
func (d *Driver) Confine(ctx context.Context, env config.Environment) error {
	if d.at.sqlite {
		return nil
	}
	reason, err := d.unconfined(ctx)
	if err != nil {
		return fmt.Errorf("row-level security: %w", classify(err))
	}
	switch {
	case reason == "":
		d.role.Store(&d.cfg.AppRole)
		return nil
	case env == config.Development || env == config.Test:
		d.log.Warn("row-level security does not hold, tenants are kept apart by the application alone", zap.String("reason", reason))
		return nil
	}
	return fmt.Errorf("row-level security cannot be enforced: %s", reason)
}

// unconfined says why the role cannot be used, or nothing.
func (d *Driver) unconfined(ctx context.Context) (reason string, err error) {
	if d.cfg.AppRole == "" {
		return "database.app_role is empty", nil
	}
	cfg, err := d.postgresConfig(nil)
	if err != nil {
		return "", err
	}
	db := stdlib.OpenDB(*cfg)
	defer func() { _ = db.Close() }()
	role := d.cfg.AppRole
	bypasses, err := collect(ctx, db, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = $1",
		func(r *sql.Rows, b *bool) error { return r.Scan(b) }, role)
	switch {
	case err != nil:
		return "", err
	case len(bypasses) == 0:
		return fmt.Sprintf(`there is no role %[1]s and the login may not make it: as a superuser, run CREATE ROLE %[1]s NOLOGIN; GRANT %[1]s TO %[2]s`, role, cfg.User), nil
	case bypasses[0]:
		return fmt.Sprintf("the role %[1]s bypasses it: run ALTER ROLE %[1]s NOSUPERUSER NOBYPASSRLS", role), nil
	}
	if err := inOne(ctx, db, "SET LOCAL ROLE "+ident(role)); is(err, "42501") {
		return fmt.Sprintf("the login is no member of %[1]s: as a superuser, run GRANT %[1]s TO %[2]s", role, cfg.User), nil
	} else if err != nil {
		return "", err
	}
	return d.unlocked(ctx, db)
}

// unlocked says which tables are not as the migrator leaves them, or nothing.
func (d *Driver) unlocked(ctx context.Context, db *sql.DB) (reason string, err error) {
	tables, err := tenantTables(ctx, db)
	if err != nil {
		return "", err
	}
	var open []string
	for _, t := range tables {
		if !t.locked() {
			open = append(open, t.name)
		}
	}
	if len(open) > 0 {
		return `not every table with a tenant has its policy: run "platform migrate up" as their owner: ` + strings.Join(open, ", "), nil
	}
	grants, err := d.missingGrants(ctx, db)
	if len(grants) > 0 {
		return `the role lacks privileges: run "platform migrate up" as the owner of the tables, or ` + strings.Join(grants, "; "), err
	}
	return "", err
}

// is tells whether err is the server's, with one of the codes.
func is(err error, codes ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}
