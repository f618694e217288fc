package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

const maxResult = 64 << 10 // bytes

// completer implements job.Completer for one attempt.
type completer struct {
	r     *Runner
	id    uuid.UUID
	token string
}

// Complete implements job.Completer. The token is the fence: whoever claimed the job later has another one, and the row is
// locked until the commit, so that nobody can claim it in between.
func (c *completer) Complete(ctx context.Context, result any) error {
	if !tx.Open(ctx) {
		return c.r.db.InTx(ctx, func(ctx context.Context) error { return c.Complete(ctx, result) })
	}
	text := ""
	if result != nil {
		data, err := json.Marshal(result)
		if err != nil {
			return job.Permanent(fmt.Errorf("encode the result of job %s: %w", c.id, err))
		}
		if len(data) > maxResult {
			return job.Permanent(job.ErrTooLarge.Wrap(fmt.Errorf("the result of job %s has %d bytes, and %d are allowed", c.id, len(data), maxResult)))
		}
		text = string(data)
	}
	now := time.Now()
	n, err := exec(all(ctx), c.r.db, `UPDATE jobs_jobs SET state = 6, result = $1, error = '', owner = '', token = '', changed_ms = $2, expires_ms = $3
WHERE id = $4 AND token = $5 AND state = 2 AND NOT cancel`, text, now.UnixMilli(), now.Add(c.r.cfg.Retention).UnixMilli(), c.id, c.token)
	if err != nil {
		return fmt.Errorf("complete job %s: %w", c.id, err)
	}
	if n == 0 {
		return job.ErrLost.Wrap(fmt.Errorf("job %s was canceled, completed already or given to another worker", c.id))
	}
	return nil
}
