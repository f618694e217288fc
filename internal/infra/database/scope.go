package database

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/yourorg/platform/pkg/tenant"
)

// scope is whose rows a statement may touch, as row-level security knows it. Without a tenant in the context it is the
// zero id, to which only the platform's own rows belong.
type scope struct {
	role   string // the role of the statement; "none" is the login itself
	tenant uuid.UUID
	system string // the reason for seeing the rows of every tenant
}

func scopeOf(ctx context.Context, role string) scope {
	s := scope{role: role}
	s.tenant, _ = tenant.FromContext(ctx)
	s.system, _ = tenant.SystemReason(ctx)
	s.system = strings.ToValidUTF8(strings.ReplaceAll(s.system, "\x00", " "), " ")
	return s
}

const (
	noRole = "none"

	// setScope is SET LOCAL for all three in one statement. Nothing of it outlives the transaction, so that a pooler may
	// give the connection to somebody else.
	setScope     = "SELECT set_config('role', $1, true), set_config('platform.tenant', $2, true), set_config('platform.system', $3, true)"
	setScopeName = "platform_scope"
)

// ahead is the statement that sets the scope. It is bound to the prepared statement where there is one.
func (s scope) ahead(prepared bool) *ahead {
	id := s.tenant.String()
	a := &ahead{text: s.text()}
	if !prepared { // under its name all the same: the unnamed statement may be the one that follows
		a.bound = must((&pgproto3.Close{ObjectType: 'S', Name: setScopeName}).Encode(a.bound))
		a.bound = must((&pgproto3.Parse{Name: setScopeName, Query: setScope}).Encode(a.bound))
	}
	a.bound = must((&pgproto3.Bind{
		PreparedStatement: setScopeName,
		Parameters:        [][]byte{[]byte(s.role), []byte(id), []byte(s.system)},
	}).Encode(a.bound))
	a.bound = must((&pgproto3.Execute{}).Encode(a.bound))
	return a
}

// text is the statement in a text that others follow.
func (s scope) text() string {
	return "SELECT set_config('role', " + quote(s.role) + ", true), set_config('platform.tenant', " + quote(s.tenant.String()) +
		", true), set_config('platform.system', " + quote(s.system) + ", true);\n"
}

// must is for messages that are far below the size that the protocol can carry.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// quote makes a literal of a text without NUL. The escaping form does not depend on a setting of the server.
func quote(s string) string {
	return " E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
