package auth

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/yourorg/platform/internal/auth/ent"
	"github.com/yourorg/platform/internal/auth/ent/signingkey"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tx"
)

const (
	algorithm   = "EdDSA"
	reloadEvery = time.Second
	reloadTime  = 5 * time.Second
)

// Keys are the signing keys, which live in the database and are the same on every replica. The newest one signs; those
// that Rotate has retired verify for a while.
type Keys struct {
	cfg     Config
	db      *ent.Client
	run     tx.Runner
	sealer  *secret.Sealer
	feed    Feed
	trail   audit.Recorder
	log     *zap.Logger
	current atomic.Pointer[keySet]

	loading sync.Mutex // held from the query to the new current, so that an older answer does not win
	wake    chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}

	reloading singleflight.Group // guards what follows
	tried     time.Time
	failed    error
}

// NewKeys returns keys that are not loaded yet: see Start. It subscribes to feed, so it must run before the feed starts.
func NewKeys(
	cfg Config, db *ent.Client, run tx.Runner, sealer *secret.Sealer, feed Feed, trail audit.Recorder, log *zap.Logger,
) *Keys {
	k := &Keys{
		cfg: cfg, db: db, run: run, sealer: sealer, feed: feed, trail: trail, log: log, wake: make(chan struct{}, 1),
	}
	k.current.Store(newKeySet(nil))
	feed.Subscribe(TopicKeys, k.changed)
	return k
}

// Start loads the keys, makes the first one, and follows what becomes of them. A key that cannot be opened with the
// current encryption key is an error: going on without it would refuse every token that it signed, here and not on other
// replicas.
func (k *Keys) Start(ctx context.Context) error {
	if err := k.refresh(ctx); err != nil {
		return err
	}
	if k.current.Load().signer == nil {
		if err := k.run.InTx(ctx, k.createFirst); err != nil {
			return fmt.Errorf("make the first signing key: %w", err)
		}
		if err := k.refresh(ctx); err != nil {
			return err
		}
	}
	run, cancel := context.WithCancel(context.Background())
	k.cancel, k.done = cancel, make(chan struct{})
	go k.follow(run)
	return nil
}

// createFirst may run on two replicas at once and then makes two keys. Both are good, and the newer one signs.
func (k *Keys) createFirst(ctx context.Context) error {
	exists, err := k.db.SigningKey.Query().Where(signingkey.RetiredAtIsNil()).Exist(ctx)
	if err != nil || exists {
		return err
	}
	_, err = k.create(ctx)
	return err
}

func (k *Keys) create(ctx context.Context) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return uuid.Nil, err
	}
	sealed, err := k.sealer.Seal(private.Seed(), sealContext(id))
	if err != nil {
		return uuid.Nil, err
	}
	return id, k.db.SigningKey.Create().SetID(id).SetAlgorithm(algorithm).SetPublicKey(public).SetPrivateKey(sealed).Exec(ctx)
}

func sealContext(kid uuid.UUID) string { return "auth_signing_keys/" + kid.String() }

// refresh reads the keys and uses them from now on.
func (k *Keys) refresh(ctx context.Context) error {
	k.loading.Lock()
	defer k.loading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	set, err := k.load(ctx)
	if err != nil {
		return err
	}
	k.current.Store(set)
	return nil
}

// rows are the keys that sign or verify, the newest first.
func (k *Keys) rows(ctx context.Context) ([]*ent.SigningKey, error) {
	rows, err := k.db.SigningKey.Query().
		Where(signingkey.Or(signingkey.RetiredAtIsNil(), signingkey.VerifiesUntilGT(time.Now().UTC()))).
		Order(ent.Desc(signingkey.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return rows, nil
}

func (k *Keys) load(ctx context.Context) (*keySet, error) {
	rows, err := k.rows(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]*key, 0, len(rows))
	for _, row := range rows {
		opened, err := k.open(row)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
		}
		if row.RetiredAt != nil {
			opened.until = *row.VerifiesUntil
		}
		keys = append(keys, opened)
	}
	return newKeySet(keys), nil
}

// open derives the public key from the sealed one, so that nobody can add a key by writing to the table.
func (k *Keys) open(row *ent.SigningKey) (*key, error) {
	if row.Algorithm != algorithm {
		return nil, fmt.Errorf("the algorithm %q is not known to this version", row.Algorithm)
	}
	seed, err := k.sealer.Open(row.PrivateKey, sealContext(row.ID))
	if err != nil {
		return nil, fmt.Errorf("it cannot be opened with the current security.encryption_key: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("it holds %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	if !public.Equal(ed25519.PublicKey(row.PublicKey)) {
		return nil, errors.New("its public key does not belong to its private key")
	}
	return &key{id: row.ID, public: public, private: private}, nil
}

// find returns the key that kid names. An unknown one may be that of a new replica, so the table is read again.
func (k *Keys) find(ctx context.Context, kid uuid.UUID) (ed25519.PublicKey, error) {
	if found := k.current.Load().find(kid); found != nil {
		return found.public, nil
	}
	var err error
	select {
	case read := <-k.reloading.DoChan("", k.reload):
		err = read.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if found := k.current.Load().find(kid); found != nil {
		return found.public, nil
	}
	if err != nil {
		return nil, ErrUnavailable.Wrap(err).After(time.Second)
	}
	return nil, ErrTokenKeyUnknown.Wrap(fmt.Errorf("kid %s", kid))
}

// reload reads the table at most once a second: anybody can send tokens with invented ids. The answer is for all who
// wait for it, so it does not depend on the context of one of them.
func (k *Keys) reload() (any, error) {
	if time.Since(k.tried) < reloadEvery {
		return nil, k.failed
	}
	err := k.refresh(context.Background())
	k.tried, k.failed = time.Now(), err
	return nil, err
}

// key is one key pair.
type key struct {
	id      uuid.UUID
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	until   time.Time // zero unless it is retired
}

func newest(a, b *key) int { return cmp.Compare(b.id.String(), a.id.String()) } // UUIDv7 sorts by time
