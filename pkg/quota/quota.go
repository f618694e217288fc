// Package quota bounds how much of something a tenant may use in a window of time.
package quota

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// Unit is what is counted, such as tokens or storage_bytes. Constants are generated from module.yaml.
type Unit string

// Requests counts the requests of signed-in callers. The platform does that itself.
const Requests Unit = "requests"

var format = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Valid tells whether u has the form of a unit.
func (u Unit) Valid() bool { return len(u) <= 50 && format.MatchString(string(u)) }

// Definition is a unit as module.yaml declares it.
type Definition struct {
	Name        Unit   `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description"` // a sentence
}

// Window is the stretch of time for which a limit holds. Days and months are those of the tenant's time zone.
type Window string

// The windows, from the shortest on.
const (
	Minute   Window = "minute"
	Hour     Window = "hour"
	Day      Window = "day"
	Month    Window = "month"
	Lifetime Window = "lifetime" // never begins again: for what is kept, such as seats and bytes
)

// Windows are all of them, from the shortest on.
func Windows() []Window { return []Window{Minute, Hour, Day, Month, Lifetime} }

// Valid tells whether w is one of the windows.
func (w Window) Valid() bool { return slices.Contains(Windows(), w) }

// Begins returns when the window that contains t begins and ends in a time zone; both are zero for Lifetime.
func (w Window) Begins(t time.Time, zone *time.Location) (begin, end time.Time) {
	t = t.In(zone)
	year, month, day := t.Date()
	switch w {
	case Minute: // an offset of seconds, as some zones had before 1972, must not shift it
		begin = t.Truncate(time.Minute)
		return begin, begin.Add(time.Minute)
	case Hour:
		begin = t.Truncate(time.Hour)
		return begin, begin.Add(time.Hour)
	case Day:
		return midnight(year, month, day, zone), midnight(year, month, day+1, zone)
	case Month:
		return midnight(year, month, 1, zone), midnight(year, month+1, 1, zone)
	}
	return time.Time{}, time.Time{}
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
// the same unit for the same tenant wait. Events are announced when 80 % and 100 % of a limit are reached.
type Quotas interface {
	// Consume counts n, which is positive. What no hard limit has room for is ErrExceeded, which says when to try again, and
	// is not counted.
	Consume(ctx context.Context, u Unit, n int64) error

	// Free gives n back that was kept and is no more, such as the bytes of a deleted file. It is subtracted from the lifetime
	// of the unit only, which never falls below zero. Callers must never be able to choose n.
	Free(ctx context.Context, u Unit, n int64) error

	// Reserve is Consume for an amount that is known only later: n is the most that it can be. Whoever reserves settles or
	// releases before the end of lasts, after which it stays counted as a whole.
	Reserve(ctx context.Context, u Unit, n int64, lasts time.Duration) (uuid.UUID, error)

	// Settle ends a reservation: actual counts instead of what was reserved, also when it is more.
	Settle(ctx context.Context, id uuid.UUID, actual int64) error

	// Release ends a reservation of which nothing was used.
	Release(ctx context.Context, id uuid.UUID) error

	// Usage returns what the tenant in ctx has used of each unit in each window that has a limit, and in its lifetime.
	Usage(ctx context.Context) ([]State, error)
}

// State is how much of a limit is used.
type State struct {
	Unit   Unit
	Window Window
	Used   int64
	Limit  *Limit    // nil when there is none
	Resets time.Time // zero for Lifetime
}

// Reached is the event of a tenant that has used 80 % or 100 % of a limit. There is one for each window and level.
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
