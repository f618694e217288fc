package apikeys

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/apikeys/apikeysapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

// Key is an API key, without what makes it work.
type Key struct {
	ID          uuid.UUID
	Name        string
	UserID      uuid.UUID // whose personal key it is; zero for the tenant's own
	MemberID    uuid.UUID // the membership for which a personal one was made
	Permissions []perm.Permission
	Networks    []netip.Prefix
	CreatedBy   uuid.UUID
	CreatedAt   time.Time
	ExpiresAt   *time.Time
	LastUsedAt  *time.Time
	LastUsedIP  *string
	Secrets     []Secret // the newest first
}

// Secret is one text that a key can be used with.
type Secret struct {
	ID        uuid.UUID
	KeyID     uuid.UUID
	Prefix    string
	Hash      []byte
	CreatedAt time.Time
	ExpiresAt *time.Time // when the overlap of a rotation ends
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (k Key) personal() bool { return k.UserID != uuid.Nil }

// attributes name who the key acts as: that is its owner.
func (k Key) attributes() authz.Attributes {
	if k.personal() {
		return authz.OwnedBy(k.UserID)
	}
	return authz.OwnedBy(k.ID)
}

// newSecret returns a secret, and the text that nobody will see again.
func newSecret(key uuid.UUID, at time.Time) (Secret, auth.KeyText, error) {
	id, err := uuid.NewV7()
	text := auth.NewKeyText()
	hash := text.Hash()
	return Secret{ID: id, KeyID: key, Prefix: text.Prefix(), Hash: hash[:], CreatedAt: at}, text, err
}

// checkName returns the name as it is kept.
func checkName(name string) (string, *problem.Field) {
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", &problem.Field{Field: "name", Code: "invalid", Message: "must not be empty, and be on one line"}
	}
	return name, nil
}

// parseNetworks reads addresses and networks in their one normal form, each once.
func parseNetworks(texts []string) ([]netip.Prefix, *problem.Field) {
	var networks []netip.Prefix
	for i, text := range texts {
		n, err := parseNetwork(text)
		if err != nil {
			return nil, &problem.Field{
				Field: fmt.Sprintf("allowed_ips.%d", i), Code: "invalid", Message: "must be an address or a network, such as 192.0.2.0/24",
			}
		}
		if !slices.Contains(networks, n) {
			networks = append(networks, n)
		}
	}
	return networks, nil
}

// parseNetwork takes an IPv4 address in the disguise of an IPv6 one as what it is: so are they compared. Host bits that a
// network does not count are dropped.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%s has a zone", text)
		}
		addr = addr.Unmap()
		return addr.Prefix(addr.BitLen())
	}
	n, err := netip.ParsePrefix(text)
	if err != nil {
		return n, err
	}
	if n.Addr().Is4In6() {
		if n.Bits() < 96 {
			return n, fmt.Errorf("%s mixes IPv4 and IPv6", text)
		}
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return n.Masked(), nil
}

// expiry is when a key expires that is made or renewed at a time.
func (c Config) expiry(wanted *time.Time, at time.Time) (*time.Time, error) {
	if wanted == nil {
		if c.MaxTTL == 0 {
			return nil, nil
		}
		last := at.Add(c.MaxTTL)
		return &last, nil
	}
	end := wanted.UTC().Truncate(time.Microsecond)
	field := problem.Field{Field: "expires_at", Code: "too_small", Message: "must be in the future"}
	if end.After(at) {
		if c.MaxTTL == 0 || !end.After(at.Add(c.MaxTTL)) {
			return &end, nil
		}
		field.Code, field.Message = "too_large", fmt.Sprintf("must be at most %s away", c.MaxTTL)
	}
	return nil, apikeysapi.ErrKeyInvalid.With(field)
}

func join[T fmt.Stringer](list []T) string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = one.String()
	}
	return strings.Join(texts, " ")
}
