package identity

import (
	"context"
	"time"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entfederation "github.com/yourorg/platform/modules/identity/internal/ent/federation"
)

// journeys keeps the sign-ins that are on their way through an identity provider.
type journeys struct{ client *ent.Client }

func newJourneys(c *ent.Client) *journeys { return &journeys{client: c} }

func (s *journeys) insert(ctx context.Context, j journey) error {
	return wrap("insert federation", s.client.Federation.Create().SetID(j.ID).SetProvider(j.Provider).SetHash(j.Hash).
		SetBrowser(j.Browser).SetSealed(j.Sealed).SetReturnTo(j.ReturnTo).SetWish(j.Wish).SetNillableLinking(j.Linking).
		SetStep(entfederation.StepStarted).SetCreatedAt(j.CreatedAt).SetExpiresAt(j.ExpiresAt).Exec(ctx))
}

// claim finds the journey that a state belongs to, in the browser that began it, and uses the state up. Of any number of
// attempts exactly one reports true.
func (s *journeys) claim(ctx context.Context, provider string, hash, browser []byte, at time.Time) (j journey, ok bool, err error) {
	n, err := s.client.Federation.Update().Where(
		entfederation.Hash(hash), entfederation.Browser(browser), entfederation.Provider(provider),
		entfederation.StepEQ(entfederation.StepStarted), entfederation.ExpiresAtGT(at),
	).SetStep(entfederation.StepReturned).Save(ctx)
	if err != nil || n == 0 {
		return j, false, wrap("claim federation", err)
	}
	row, err := s.client.Federation.Query().Where(entfederation.Hash(hash)).Only(ctx)
	if err != nil {
		return j, false, wrap("read federation", err)
	}
	return toJourney(row), true, nil
}

// arrive notes who came back, and the hashes of the code and of the cookie that stand for them until a time.
func (s *journeys) arrive(ctx context.Context, j journey) error {
	return wrap("finish federation", s.client.Federation.Update().
		Where(entfederation.ID(j.ID), entfederation.StepEQ(entfederation.StepReturned)).SetStep(entfederation.StepVouched).
		SetHash(j.Hash).SetBrowser(j.Browser).SetUserID(j.UserID).SetAuthenticatedAt(j.AuthenticatedAt).SetExpiresAt(j.ExpiresAt).
		Exec(ctx))
}

// take is claim for a code, and ends the journey.
func (s *journeys) take(ctx context.Context, hash, browser []byte, at time.Time) (j journey, ok bool, err error) {
	row, err := s.client.Federation.Query().Where(
		entfederation.Hash(hash), entfederation.Browser(browser),
		entfederation.StepEQ(entfederation.StepVouched), entfederation.ExpiresAtGT(at),
	).Only(ctx)
	if ent.IsNotFound(err) {
		return j, false, nil
	}
	if err != nil {
		return j, false, wrap("find federation", err)
	}
	n, err := s.client.Federation.Delete().Where(entfederation.ID(row.ID), entfederation.Hash(hash)).Exec(ctx)
	return toJourney(row), n > 0, wrap("take federation", err)
}

// deleteExpired removes at most limit journeys that expired before a time.
func (s *journeys) deleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.Federation.Query().Where(entfederation.ExpiresAtLT(before)).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find expired federations", err)
	}
	n, err := s.client.Federation.Delete().Where(entfederation.IDIn(ids...)).Exec(ctx)
	return n, wrap("delete expired federations", err)
}

func toJourney(r *ent.Federation) journey {
	j := journey{
		ID: r.ID, Provider: r.Provider, Hash: r.Hash, Browser: r.Browser, Sealed: r.Sealed, ReturnTo: r.ReturnTo, Wish: r.Wish,
		Linking: r.Linking, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
	}
	if r.UserID != nil {
		j.UserID = *r.UserID
	}
	if r.AuthenticatedAt != nil {
		j.AuthenticatedAt = r.AuthenticatedAt.UTC()
	}
	return j
}
