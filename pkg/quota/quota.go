// Package quota bounds how much of something a tenant may use in a window of time.
package quota

import (
	"context"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// Unit is what is counted, such as tokens or storage_bytes. Constants are generated from module.yaml.
type Unit string

// Requests counts the requests of signed-in callers, those that fail included. The platform does that itself, for tenants that
// have a limit on them: see State for what is counted in advance.
const Requests Unit = "requests"

var format = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Valid tells whether u has the form of a unit.
func (u Unit) Valid() bool { return len(u) <= 50 && format.MatchString(string(u)) }

// Definition is a unit as module.yaml declares it.
type Definition struct {
	Name        Unit   `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description"` // a sentence
}

// MaxAmount bounds limits and amounts, so that sums of them cannot overflow and JSON can show them exactly.
const MaxAmount = int64(1) << 52

// Limit is how much a tenant may use.
type Limit struct {
	Unit   Unit   `json:"unit"`
	Window Window `json:"window"`
	Amount int64  `json:"amount"` // 0–MaxAmount
	Soft   bool   `json:"soft"`   // only announced, and never refused
}

// What a caller can be told. Codes are stable.
var (
	ErrExceeded = problem.New(problem.TooMany, "quota.exceeded", "The quota of the tenant is used up")
	// ErrAmount is a mistake of the code that counts: what a caller says must have been checked before.
	ErrAmount = problem.New(problem.Invalid, "quota.amount_invalid", "The amount must be positive, and not that large")
	// ErrReservation is the answer to the end of a reservation that has ended before, lapsed, or never was.
	ErrReservation = problem.New(problem.NotFound, "quota.reservation_unknown", "There is no such reservation")
)

// Quotas count what the tenant in the context uses. A unit without a limit is counted too. All windows of a unit are
// checked and counted at once, or none. What is counted in a transaction is undone with it, and until its end others who count
// the same unit for the same tenant wait: count late in it, and several units always in the same order. Events are announced
// when 80 % and 100 % of a limit are reached. A unit that no module declares is an error.
//
// A window that has begun stays until its end has passed by the clock and in the time zone of the tenant. It never begins
// again, so that a clock that is set back, and a time zone that is changed, give nothing back.
type Quotas interface {
	// Consume counts n, which is positive. What a hard limit has no room for is ErrExceeded, which says when to try again, at
	// most a day later, and is not counted.
	Consume(ctx context.Context, u Unit, n int64) error

	// Free gives n back that was kept and is no more, such as the bytes of a deleted file. It is subtracted from the lifetime
	// of the unit only, which never falls below zero. Callers must never be able to choose n.
	Free(ctx context.Context, u Unit, n int64) error

	// Reserve is Consume for an amount that is known only later: n is the most that it can be. Whoever reserves settles or
	// releases before the end of lasts, which is at most 31 days, after which it stays counted as a whole.
	Reserve(ctx context.Context, u Unit, n int64, lasts time.Duration) (uuid.UUID, error)

	// Settle ends a reservation: actual counts instead of what was reserved, also when it is more, in the windows of the
	// reservation that have not ended.
	Settle(ctx context.Context, id uuid.UUID, actual int64) error

	// Release ends a reservation of which nothing was used.
	Release(ctx context.Context, id uuid.UUID) error

	// Usage returns what the tenant in ctx has used of each unit in each window that has a limit, and in its lifetime.
	Usage(ctx context.Context) ([]State, error)
}

// State is how much of a limit is used. Replicas count requests in advance, a second's worth and at most a hundredth of what is
// left: that is used too, until it is given back.
type State struct {
	Unit   Unit
	Window Window
	Used   int64
	Limit  *Limit    // nil when there is none
	Resets time.Time // zero for Lifetime
}

// Reached is the event of a tenant that has used 80 % or 100 % of a limit. There is one for each level, each time that the window
// begins, and again when the limit is changed; for Lifetime also after the use had fallen 10 % below the level.
type Reached struct {
	Unit    Unit   `json:"unit"`
	Window  Window `json:"window"`
	Percent int    `json:"percent"` // 80 or 100
	Used    int64  `json:"used"`
	Limit   int64  `json:"limit"`
	Soft    bool   `json:"soft"`
}

// Topic implements event.Event.
func (Reached) Topic() string { return "quota.limit.reached" }

// Version implements event.Event.
func (Reached) Version() int { return 1 }
