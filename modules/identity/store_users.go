package identity

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entuser "github.com/yourorg/platform/modules/identity/internal/ent/user"
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

// users keeps users. They belong to no tenant: see the schema.
type users struct{ client *ent.Client }

func newUsers(c *ent.Client) *users { return &users{client: c} }

// insert leaves it to the unique index who of several gets an address: the others get ErrEmailTaken, and their
// transaction cannot go on.
func (s *users) insert(ctx context.Context, u User) error {
	err := s.client.User.Create().SetID(u.ID).SetEmail(u.Email).SetName(u.Name).SetPasswordHash(u.PasswordHash).
		SetCreatedAt(u.CreatedAt).SetUpdatedAt(u.CreatedAt).SetNillableEmailVerifiedAt(u.EmailVerifiedAt).
		Exec(ctx)
	if ent.IsConstraintError(err) { // the address is the one unique rule that a new user can break
		return identityapi.ErrEmailTaken.Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("insert user: %w", err)
	}
	return nil
}

// byEmail returns the zero User when there is none. The address may be any text.
func (s *users) byEmail(ctx context.Context, address string) (User, error) {
	if !validEmail(address) {
		address = "" // nobody has it, and Postgres would refuse some of what people send
	}
	row, err := s.client.User.Query().Where(entuser.Email(normalizeEmail(address))).Only(ctx)
	if ent.IsNotFound(err) {
		return User{}, nil
	}
	if err != nil {
		return User{}, fmt.Errorf("find user by e-mail: %w", err)
	}
	return toUser(row), nil
}

func (s *users) byID(ctx context.Context, id uuid.UUID) (User, error) {
	row, err := s.client.User.Get(ctx, id)
	if err != nil {
		return User{}, fmt.Errorf("find user: %w", err)
	}
	return toUser(row), nil
}

func toUser(r *ent.User) User {
	return User{
		ID: r.ID, Email: r.Email, Name: r.Name, PasswordHash: r.PasswordHash, DisabledAt: r.DisabledAt,
		CreatedAt: r.CreatedAt.UTC(), EmailVerifiedAt: utc(r.EmailVerifiedAt), DeletionDueAt: utc(r.DeletionDueAt),
	}
}
