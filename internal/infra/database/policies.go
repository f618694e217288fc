package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A table with a tenant has one policy. The driver sets both settings for each statement; a connection that has neither
// sees nothing. The scalar subqueries are evaluated once for a statement instead of once for a row.
const (
	policyName = "platform_tenant"
	ownTenant  = "(SELECT nullif(current_setting('platform.tenant', true), '')::uuid)"
	ownRows    = "tenant_id = " + ownTenant
	// Rows without a tenant are the platform's own, as those of the zero id are.
	platformRows = "tenant_id IS NULL AND " + ownTenant + " = '00000000-0000-0000-0000-000000000000'"
	everyRow     = "(SELECT nullif(current_setting('platform.system', true), '') IS NOT NULL)"
)

// tenantTable is a table of the schema with a column tenant_id. There is no list of them and none of exceptions.
type tenantTable struct {
	name     string
	kind     string // the type of tenant_id
	nullable bool
	forced   bool   // row-level security is on, for the owner too
	policies int    // which anybody has made
	made     string // the condition that the migrator made the policy from
}

// The two conditions of a policy.
const (
	Condition         = ownRows + " OR " + everyRow
	nullableCondition = ownRows + " OR (" + platformRows + ") OR " + everyRow
)

func (t tenantTable) condition() string {
	if t.nullable {
		return nullableCondition
	}
	return Condition
}

// locked tells whether the table has its policy and no other, which might let more through.
func (t tenantTable) locked() bool {
	return t.forced && t.policies == 1 && t.made == t.condition()
}

const findTenantTables = `
SELECT c.relname, format_type(a.atttypid, NULL), NOT a.attnotnull, c.relrowsecurity AND c.relforcerowsecurity,
       (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid),
       coalesce((SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = $1), '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`

func tenantTables(ctx context.Context, db *sql.DB) ([]tenantTable, error) {
	return collect(ctx, db, findTenantTables, func(r *sql.Rows, t *tenantTable) error {
		return r.Scan(&t.name, &t.kind, &t.nullable, &t.forced, &t.policies, &t.made)
	}, policyName)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows, *T) error, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// protect puts every table with a tenant under its policy, and gives the role of the statements what it needs. It is
// called under the migration lock and changes only what is not yet so.
func (d *Driver) protect(ctx context.Context, db *sql.DB) error {
	if d.at.sqlite {
		return nil
	}
	tables, err := tenantTables(ctx, db)
	if err != nil {
		return fmt.Errorf("row-level security: %w", err)
	}
	for _, t := range tables {
		if t.kind != "uuid" {
			return fmt.Errorf("row-level security: %s.tenant_id is a %s; it must be a uuid", t.name, t.kind)
		}
		if t.locked() {
			continue
		}
		if err := lock(ctx, db, t); err != nil {
			return fmt.Errorf("row-level security of %s: %w", t.name, err)
		}
	}
	if d.cfg.AppRole == "" {
		return nil
	}
	if err := d.makeRole(ctx, db); err != nil {
		return fmt.Errorf("make the role %s: %w", d.cfg.AppRole, err)
	}
	return nil
}

// lock replaces whatever policies the table has, at once.
func lock(ctx context.Context, db *sql.DB, t tenantTable) error {
	others, err := collect(ctx, db, "SELECT polname FROM pg_policy WHERE polrelid = $1::regclass",
		func(r *sql.Rows, name *string) error { return r.Scan(name) }, ident(t.name))
	if err != nil {
		return err
	}
	table, condition := ident(t.name), t.condition()
	var statements []string
	for _, name := range others {
		statements = append(statements, "DROP POLICY "+ident(name)+" ON "+table)
	}
	statements = append(
		statements,
		"CREATE POLICY "+policyName+" ON "+table+" USING ("+condition+") WITH CHECK ("+condition+")",
		"COMMENT ON POLICY "+policyName+" ON "+table+" IS"+quote(condition),
		"ALTER TABLE "+table+" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
	)
	return inOne(ctx, db, statements...)
}

// inOne runs statements in one transaction.
func inOne(ctx context.Context, db *sql.DB, statements ...string) error {
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := begun.ExecContext(ctx, s); err != nil {
			return errors.Join(err, ignoreDone(begun.Rollback()))
		}
	}
	return begun.Commit()
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }
