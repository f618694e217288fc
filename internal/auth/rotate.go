package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/auth/ent"
	"github.com/yourorg/platform/internal/auth/ent/signingkey"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/module"
)

// TopicKeys is the topic of the change feed that tells of new and retired signing keys. The key is the kid.
const TopicKeys = "auth.keys"

// hearingTime is for a replica that hears of a rotation late, and signs with the old key meanwhile.
const hearingTime = time.Minute

// KeyInfo is what may be known about a signing key.
type KeyInfo struct {
	ID            uuid.UUID // the kid
	CreatedAt     time.Time
	RetiredAt     time.Time // zero while the key may sign
	VerifiesUntil time.Time // zero while the key may sign
}

// Rotation is what Rotate has done.
type Rotation struct {
	New     KeyInfo
	Retired []KeyInfo
}

// Overlap is how long a retired key verifies unless somebody says otherwise: until the last token that it has signed
// has expired everywhere.
func (k *Keys) Overlap() time.Duration { return k.cfg.AccessTTL + 2*k.cfg.ClockSkew + hearingTime }

// Rotate makes a key that signs from now on, here and within a second on every replica, and retires all others: they
// verify for as long as overlap says. One that is shorter than Overlap ends tokens before their time, as it must when a
// key has become known.
func (k *Keys) Rotate(ctx context.Context, overlap time.Duration) (Rotation, error) {
	if overlap < 0 {
		return Rotation{}, errors.New("rotate the signing keys: the overlap must not be negative")
	}
	var done Rotation
	err := k.run.InTx(ctx, func(ctx context.Context) error {
		rows, err := k.db.SigningKey.Query().Where(signingkey.RetiredAtIsNil()).Order(ent.Desc(signingkey.FieldID)).All(ctx)
		if err != nil {
			return err
		}
		id, err := k.create(ctx)
		if err != nil {
			return err
		}
		created, err := k.db.SigningKey.Get(ctx, id)
		if err != nil {
			return err
		}
		done = Rotation{New: infoOf(created)}
		now := time.Now().UTC().Truncate(time.Microsecond)
		for _, row := range rows {
			row, err := row.Update().SetRetiredAt(now).SetVerifiesUntil(now.Add(overlap)).Save(ctx)
			if err != nil {
				return err
			}
			done.Retired = append(done.Retired, infoOf(row))
		}
		if err := k.trail.Record(ctx, audit.Entry{Action: "auth.signing_key.rotate", Target: "auth.signing_key:" + id.String()}); err != nil {
			return err
		}
		return k.feed.Announce(ctx, TopicKeys, id.String())
	})
	if err != nil {
		return Rotation{}, fmt.Errorf("rotate the signing keys: %w", err)
	}
	return done, nil
}

// List returns the keys that sign or verify, the newest first.
func (k *Keys) List(ctx context.Context) ([]KeyInfo, error) {
	rows, err := k.rows(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]KeyInfo, len(rows))
	for i, row := range rows {
		all[i] = infoOf(row)
	}
	return all, nil
}

func infoOf(row *ent.SigningKey) KeyInfo {
	i := KeyInfo{ID: row.ID, CreatedAt: row.CreatedAt.UTC()}
	if row.RetiredAt != nil {
		i.RetiredAt = row.RetiredAt.UTC()
	}
	if row.VerifiesUntil != nil {
		i.VerifiesUntil = row.VerifiesUntil.UTC()
	}
	return i
}

// changed asks for a new look at the table. It does not wait for it: the feed must not.
func (k *Keys) changed(string) {
	select {
	case k.wake <- struct{}{}:
	default: // it is asked for already
	}
}

// follow reads the keys again whenever they have changed, until it succeeds.
func (k *Keys) follow(ctx context.Context) {
	defer close(k.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		for failing := false; ; failing = true {
			err := k.refresh(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			if !failing { // once, not every second
				k.log.Error("the changed signing keys cannot be read, the old ones stay in use", zap.Error(err))
			}
			select {
			case <-ctx.Done():
			case <-time.After(reloadEvery):
			}
		}
	}
}

// Stop ends what Start began.
func (k *Keys) Stop(ctx context.Context) error {
	if k.cancel == nil {
		return nil
	}
	k.cancel()
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop following the signing keys: %w", ctx.Err())
	}
}

// keySweeper erases the keys that verify no more.
type keySweeper struct{ db *ent.Client }

var _ module.Housekeeper = (*keySweeper)(nil)

func newKeySweeper(db *ent.Client) *keySweeper { return &keySweeper{db: db} }

// Name implements module.Housekeeper.
func (*keySweeper) Name() string { return "auth.signing_keys" }

// Tidy implements module.Housekeeper.
func (s *keySweeper) Tidy(ctx context.Context) (int, error) {
	n, err := s.db.SigningKey.Delete().
		Where(signingkey.RetiredAtNotNil(), signingkey.VerifiesUntilLT(time.Now().UTC())).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("erase retired signing keys: %w", err)
	}
	return n, nil
}
