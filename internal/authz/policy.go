package authz

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrole "github.com/yourorg/platform/internal/authz/ent/role"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

// maxFaults is how many faults of a file are reported at once.
const maxFaults = 20

// Export writes the policy of some tenants, or of all, in casbin's file format, sorted. The rules of the built-in roles
// come first, so that the file is complete for casbin; Import passes them over.
func (a *Authorizer) Export(ctx context.Context, w io.Writer, tenants ...uuid.UUID) error {
	rules, err := a.rules(system(ctx), of(tenants)...)
	if err != nil {
		return fmt.Errorf("export the policy: %w", err)
	}
	var own []string
	for _, r := range rules {
		own = append(own, line(r.ptype, r.values()))
	}
	slices.Sort(own)
	b := bufio.NewWriter(w)
	for _, values := range a.vocabulary.derived() {
		_, _ = b.WriteString(line(permissionRule, values)) // the error stays until Flush
	}
	for _, l := range own {
		_, _ = b.WriteString(l)
	}
	return b.Flush()
}

// line needs no quotes: no value of a rule has a comma, a quote or a line break.
func line(ptype string, values []string) string {
	return ptype + ", " + strings.Join(values, ", ") + "\n"
}

func of(tenants []uuid.UUID) []predicate.Rule {
	if len(tenants) == 0 {
		return nil
	}
	return []predicate.Rule{entrule.TenantIDIn(tenants...)}
}

// Imported says what an import has changed, or would.
type Imported struct {
	Added, Removed int
	Tenants        []uuid.UUID // that it changed
}

// Import makes the stored policy of some tenants, or of all, that of a file in casbin's format, in one transaction. It
// reports every fault of the file and then changes nothing: a rule that could not count, a permission that no module
// declares, a role or tenant that is not there, the operator's role for who does not have it yet, and a tenant that
// would lose its last owner. With dry it only counts. Whether users and tenants exist is not known here.
func (a *Authorizer) Import(ctx context.Context, file io.Reader, dry bool, tenants ...uuid.UUID) (done Imported, err error) {
	wanted, err := a.readPolicy(file, tenants)
	if err != nil {
		return done, fmt.Errorf("import the policy: %w", err)
	}
	err = a.run.InTx(system(ctx), func(ctx context.Context) error {
		rows, err := a.client.Rule.Query().Where(of(tenants)...).All(ctx)
		if err != nil {
			return err
		}
		if err := a.acceptable(ctx, wanted, rows); err != nil {
			return err
		}
		changed := map[uuid.UUID]bool{}
		var surplus []uuid.UUID
		for _, row := range rows {
			if r, ok := fromRow(row); ok && wanted[r] != 0 {
				delete(wanted, r)
				continue
			}
			surplus = append(surplus, row.ID)
			changed[row.TenantID] = true
		}
		missing := make([]rule, 0, len(wanted))
		for r := range wanted {
			missing = append(missing, r)
			changed[r.tenant] = true
		}
		done.Added, done.Removed = len(missing), len(surplus)
		for t := range changed {
			done.Tenants = append(done.Tenants, t)
		}
		slices.SortFunc(done.Tenants, func(x, y uuid.UUID) int { return strings.Compare(x.String(), y.String()) })
		if dry {
			return nil
		}
		for ids := range slices.Chunk(surplus, batchSize) {
			if err := a.remove(ctx, entrule.IDIn(ids...)); err != nil {
				return err
			}
		}
		return a.insert(ctx, missing)
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import the policy: %w", err)
	}
	return done, nil
}

// faults collects what is wrong with a file.
type faults struct {
	errs []error
	more int
}

func (f *faults) at(line int, err error) {
	if err == nil {
		return
	}
	if len(f.errs) == maxFaults {
		f.more++
		return
	}
	f.errs = append(f.errs, fmt.Errorf("line %d: %w", line, err))
}

func (f *faults) err() error {
	if f.more > 0 {
		f.errs = append(f.errs, fmt.Errorf("and %d more", f.more))
	}
	return errors.Join(f.errs...)
}

// readPolicy returns the rules of a file with their lines.
func (a *Authorizer) readPolicy(file io.Reader, tenants []uuid.UUID) (map[rule]int, error) {
	reader := csv.NewReader(file)
	reader.Comment, reader.TrimLeadingSpace, reader.FieldsPerRecord = '#', true, -1
	wanted := map[rule]int{}
	var bad faults
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return wanted, bad.err()
		}
		if err != nil {
			bad.errs = append(bad.errs, err) // it names its line
			return nil, bad.err()
		}
		n, _ := reader.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		ptype, values := record[0], record[1:]
		if a.vocabulary.derives(ptype, values) {
			continue
		}
		r, err := parseRule(ptype, values)
		if err == nil && len(tenants) > 0 && !slices.Contains(tenants, r.tenant) {
			err = fmt.Errorf("tenant %s is not to be imported", r.tenant)
		}
		if err == nil && r.ptype == permissionRule {
			err = a.vocabulary.countable(r)
		}
		bad.at(n, err)
		wanted[r] = n
	}
}

// countable refuses a permission that would grant nothing.
func (v *vocabulary) countable(r rule) error {
	if i, ok := v.index[perm.Permission(r.pattern)]; ok && v.operator.has(i) {
		return fmt.Errorf("the permission %q is the operator's alone", r.pattern)
	}
	if len(v.reach(r.pattern)) == 0 {
		return fmt.Errorf("no module declares the permission %q", r.pattern)
	}
	if r.when == "" {
		return nil
	}
	if _, err := v.condition(authz.Grant{Permission: r.pattern, When: r.when}); err != nil {
		return errors.New(err.Detail)
	}
	return nil
}

// acceptable holds a policy against what is stored: see Import.
func (a *Authorizer) acceptable(ctx context.Context, wanted map[rule]int, rows []*ent.Rule) error {
	stored, owned, owners := map[rule]bool{}, map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, row := range rows {
		if r, ok := fromRow(row); ok {
			stored[r] = true
			owned[r.tenant] = owned[r.tenant] || r.ptype == grantRule && r.role == authz.Owner
		}
	}
	known, err := a.roleNames(ctx, wanted)
	if err != nil {
		return err
	}
	var bad faults
	inOrder := slices.SortedFunc(maps.Keys(wanted), func(x, y rule) int { return wanted[x] - wanted[y] })
	for _, r := range inOrder {
		switch {
		case r.ptype != grantRule:
		case r.role == authz.Owner:
			owners[r.tenant] = true
		case r.role == authz.PlatformAdmin && !stored[r]:
			bad.at(wanted[r], errors.New("the operator's role cannot be given by a file"))
		case !isBuiltIn(r.role) && !known[named{r.tenant, r.role}]:
			bad.at(wanted[r], fmt.Errorf("tenant %s has no role %q", r.tenant, r.role))
		}
	}
	for t := range owned {
		if owned[t] && !owners[t] {
			bad.errs = append(bad.errs, fmt.Errorf("tenant %s would lose its last owner", t))
		}
	}
	return bad.err()
}

// named is a role of a tenant.
type named struct {
	tenant uuid.UUID
	role   string
}

// roleNames are the tenants' own roles: those of the file, and those that are there.
func (a *Authorizer) roleNames(ctx context.Context, wanted map[rule]int) (map[named]bool, error) {
	known := map[named]bool{}
	for r := range wanted {
		known[named{r.tenant, r.role}] = known[named{r.tenant, r.role}] || r.ptype == permissionRule
	}
	for key, defined := range known {
		if defined || isBuiltIn(key.role) {
			continue
		}
		exists, err := a.client.Role.Query().Where(entrole.TenantID(key.tenant), entrole.Name(key.role)).Exist(ctx)
		if err != nil {
			return nil, err
		}
		known[key] = exists
	}
	return known, nil
}
