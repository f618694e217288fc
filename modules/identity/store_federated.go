package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entfederated "github.com/yourorg/platform/modules/identity/internal/ent/federated"
)

// linked is a user by the word of an identity provider.
type linked struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	Provider   string // the key of the upstream
	Owner      *uuid.UUID
	Issuer     string
	Subject    string
	Email      string // at the time
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// identityOf finds the user whom an identity provider means; ok is false when it is nobody yet.
func (s *users) identityOf(ctx context.Context, provider string, v vouched) (l linked, ok bool, err error) {
	row, err := s.client.Federated.Query().
		Where(entfederated.Provider(provider), entfederated.Issuer(v.issuer), entfederated.Subject(v.subject)).Only(ctx)
	if ent.IsNotFound(err) {
		return l, false, nil
	}
	if err != nil {
		return l, false, wrap("find identity", err)
	}
	return toLinked(row), true, nil
}

// link leaves it to the unique index whose an identity becomes: the others get ErrIdentityTaken, and their transaction
// cannot go on.
func (s *users) link(ctx context.Context, l linked) error {
	err := s.client.Federated.Create().SetID(l.ID).SetUserID(l.UserID).SetProvider(l.Provider).SetNillableProviderID(l.Owner).
		SetIssuer(l.Issuer).SetSubject(l.Subject).SetEmail(l.Email).SetCreatedAt(l.CreatedAt).SetNillableLastUsedAt(l.LastUsedAt).Exec(ctx)
	if ent.IsConstraintError(err) {
		return identityapi.ErrIdentityTaken.Wrap(err)
	}
	return wrap("link identity", err)
}

// identities lists those of a user, oldest first.
func (s *users) identities(ctx context.Context, user uuid.UUID) ([]linked, error) {
	rows, err := s.client.Federated.Query().Where(entfederated.UserID(user)).Order(entfederated.ByID()).All(ctx)
	list := make([]linked, len(rows))
	for i, row := range rows {
		list[i] = toLinked(row)
	}
	return list, wrap("list identities", err)
}

func (s *users) identityUsed(ctx context.Context, id uuid.UUID, at time.Time) error {
	return wrap("note the use of an identity", s.client.Federated.Update().Where(entfederated.ID(id)).SetLastUsedAt(at).Exec(ctx))
}

func (s *users) unlink(ctx context.Context, user, id uuid.UUID) error {
	n, err := s.client.Federated.Delete().Where(entfederated.ID(id), entfederated.UserID(user)).Exec(ctx)
	if err == nil && n == 0 {
		return identityapi.ErrIdentityNotFound
	}
	return wrap("unlink identity", err)
}

func toLinked(r *ent.Federated) linked {
	return linked{
		ID: r.ID, UserID: r.UserID, Provider: r.Provider, Owner: r.ProviderID, Issuer: r.Issuer, Subject: r.Subject, Email: r.Email,
		CreatedAt: r.CreatedAt.UTC(), LastUsedAt: utc(r.LastUsedAt),
	}
}
