package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
)

// ledger writes down which jobs are begun and how they ended.
type ledger struct {
	db    *database.Driver
	owner string
	keep  time.Duration // how long a row stays after its job is done
	log   *zap.Logger

	claims *gatherer[claim]
	ends   *gatherer[*ending]
}

// claim is a question for a job.
type claim struct {
	id    uuid.UUID
	reply chan<- claimed
}

type claimed struct {
	row *row // nil when there was nothing to claim
	err error
}

// ending is how an attempt ended.
type ending struct {
	id        uuid.UUID
	token     string
	state     int
	due       time.Time // of retrying
	reason    string
	uncounted bool // whether the attempt does not count
}

func newLedger(db *database.Driver, owner string, keep time.Duration, log *zap.Logger) *ledger {
	return &ledger{db: db, owner: owner, keep: keep, log: log}
}

const (
	linger        = 5 * time.Millisecond // until an end is written down: nobody waits for it
	ledgerTimeout = 30 * time.Second     // of one transaction
	lastTries     = 5                    // while the process stops
)

func (l *ledger) start() {
	l.claims, l.ends = gather(0, l.begun), gather(linger, l.ended)
}

// stop ends the ledger once nobody uses it any more, or gives up with ctx: others find the rows without their replica.
func (l *ledger) stop(ctx context.Context) {
	l.claims.stop(ctx)
	l.ends.stop(ctx)
}

var errStopping = errors.New("the process stops")

// claim makes the job this replica's. It is nil when it is not to be begun: somebody else has it, it is over, or its queue
// is paused.
func (l *ledger) claim(ctx context.Context, id uuid.UUID) (*row, error) {
	reply := make(chan claimed, 1)
	select {
	case l.claims.entries <- claim{id: id, reply: reply}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.claims.quit:
		return nil, errStopping
	}
	select {
	case c := <-reply:
		return c.row, c.err
	case <-l.claims.done:
	}
	select {
	case c := <-reply: // it was answered last of all
		return c.row, c.err
	default:
		return nil, errStopping
	}
}

// finish writes down how an attempt ended, sooner or later, unless the process is killed before.
func (l *ledger) finish(e ending) {
	select {
	case l.ends.entries <- &e:
	case <-l.ends.done: // the others will find the row without its replica
	}
}

// begun answers claims.
func (l *ledger) begun(claims []claim) {
	ids := make([]uuid.UUID, len(claims))
	for i, c := range claims {
		ids[i] = c.id
	}
	ctx, cancel := context.WithTimeout(all(context.Background()), ledgerTimeout)
	defer cancel()
	rows, err := l.begin(ctx, ids)
	byID := make(map[uuid.UUID]*row, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	for _, c := range claims {
		c.reply <- claimed{byID[c.id], err}
		delete(byID, c.id) // whoever asks twice for one job gets it once
	}
}

// ended writes down ends, and tries again until the database is there.
func (l *ledger) ended(ends []*ending) {
	var plain, others []*ending
	for _, e := range ends {
		if e.state == completed {
			plain = append(plain, e)
		} else {
			others = append(others, e)
		}
	}
	for tries := 1; ; tries++ {
		err := l.transact(plain, others)
		if err == nil {
			return
		}
		l.log.Warn("the end of jobs cannot be written down yet", zap.Int("jobs", len(ends)), zap.Error(err))
		if tries >= lastTries && l.ends.stopping() {
			return // others will find the rows without their replica
		}
		<-time.After(min(time.Second, time.Duration(tries)*50*time.Millisecond))
	}
}

// transact writes the usual ends in one statement, and the others one by one.
func (l *ledger) transact(plain, others []*ending) error {
	ctx, cancel := context.WithTimeout(all(context.Background()), ledgerTimeout)
	defer cancel()
	if len(others) == 0 {
		return l.complete(ctx, plain) // which needs no transaction around it
	}
	return l.db.InTx(ctx, func(ctx context.Context) error {
		if err := l.complete(ctx, plain); err != nil {
			return err
		}
		for _, e := range others {
			if err := l.end(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *ledger) complete(ctx context.Context, ends []*ending) error {
	if len(ends) == 0 {
		return nil
	}
	ids, tokens := make([]uuid.UUID, len(ends)), make([]string, len(ends))
	for i, e := range ends {
		ids[i], tokens[i] = e.id, e.token
	}
	now := time.Now()
	byID, args := among(l.db, []any{now.UnixMilli(), now.Add(l.keep).UnixMilli()}, ids)
	byToken, args := among(l.db, args, tokens)
	_, err := exec(ctx, l.db, `UPDATE jobs_jobs SET state = 6, owner = '', token = '', error = '', changed_ms = $1, expires_ms = $2`+relaxed(l.db)+
		`WHERE id `+byID+` AND token `+byToken+` AND state + 0 = 2`, args...)
	if err != nil {
		return fmt.Errorf("complete %d jobs: %w", len(ends), err)
	}
	return nil
}

// end writes an end that is not the usual one. A job that somebody has canceled meanwhile is canceled.
func (l *ledger) end(ctx context.Context, e *ending) error {
	now := time.Now()
	expires, uncounted := int64(0), 0
	if done(e.state) {
		expires = now.Add(l.keep).UnixMilli()
	}
	if e.uncounted {
		uncounted = 1
	}
	_, err := exec(ctx, l.db, `UPDATE jobs_jobs SET state = CASE WHEN cancel THEN 5 ELSE CAST($1 AS integer) END,
expires_ms = CASE WHEN cancel THEN CAST($2 AS bigint) ELSE CAST($3 AS bigint) END, attempt = attempt - $4,
due_ms = CASE WHEN CAST($5 AS bigint) > 0 THEN CAST($5 AS bigint) ELSE due_ms END, error = $6, changed_ms = $7, owner = '', token = '', cancel = $8, dispatched_ms = 0
WHERE id = $9 AND token = $10 AND state = 2`,
		e.state, now.Add(l.keep).UnixMilli(), expires, uncounted, msOf(e.due), e.reason, now.UnixMilli(), false, e.id, e.token)
	if err != nil {
		return fmt.Errorf("write down the end of job %s: %w", e.id, err)
	}
	return nil
}
