package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// How many changes, and how much of them, one event holds. Further ones get events of their own.
const (
	maxChanges     = 100
	maxChangesSize = 256 << 10 // bytes of JSON
)

// takeChanges takes what the transaction in ctx has changed of one tenant: what one event holds, and the rest.
func takeChanges(ctx context.Context, of uuid.UUID) (first string, more [][]audit.Change, err error) {
	taken := audit.Tracked(ctx, func(c audit.Change) bool { return ownerOf(ctx, c) == of })
	parts, err := split(taken)
	if err != nil || len(parts) == 0 {
		return "", nil, err
	}
	encoded, err := json.Marshal(parts[0])
	return string(encoded), parts[1:], err
}

func ownerOf(ctx context.Context, c audit.Change) uuid.UUID {
	if c.Tenant != uuid.Nil {
		return c.Tenant
	}
	id, _ := tenant.FromContext(ctx)
	return id
}

// split cuts changes into what one event holds.
func split(changes []audit.Change) ([][]audit.Change, error) {
	var parts [][]audit.Change
	size := 0
	for _, c := range changes {
		encoded, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("encode a change of %s: %w", c.Entity, err)
		}
		last := len(parts) - 1
		if last < 0 || len(parts[last]) == maxChanges || size+len(encoded) > maxChangesSize {
			parts, size = append(parts, nil), 0
			last++
		}
		parts[last] = append(parts[last], c)
		size += len(encoded)
	}
	return parts, nil
}

// CommitChanges records what a transaction has changed without recording anything itself, such as the work of a
// housekeeper: one event for each tenant, entity and action. It runs before every commit.
func (l *Log) CommitChanges(ctx context.Context) error {
	left := audit.Tracked(ctx, func(audit.Change) bool { return true })
	for len(left) > 0 {
		first := left[0]
		var same []audit.Change
		left = slices.DeleteFunc(left, func(c audit.Change) bool {
			alike := c.Entity == first.Entity && c.Action == first.Action && ownerOf(ctx, c) == ownerOf(ctx, first)
			if alike {
				same = append(same, c)
			}
			return alike
		})
		parts, err := split(same)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if err := l.recordChanges(ctx, ownerOf(ctx, first), clean(first.Entity+"."+first.Action, maxAction), part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Log) recordChanges(ctx context.Context, of uuid.UUID, action string, changes []audit.Change) error {
	encoded, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("encode changes: %w", err)
	}
	r := l.begin(ctx, of, action)
	r.changes = string(encoded)
	if len(changes) == 1 {
		r.target = clean(changes[0].Entity+":"+changes[0].ID, maxTarget)
	}
	return l.write(ctx, r)
}
