package audit

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Kind says what happened to a row.
type Kind string

// The kinds of faults.
const (
	Altered    Kind = "altered"    // it does not say what it said when it was written
	Missing    Kind = "missing"    // it was there and is gone
	Reordered  Kind = "reordered"  // it stands in the place of another
	Inserted   Kind = "inserted"   // the platform has not written it
	Unproven   Kind = "unproven"   // the chain was written anew around it: no signature confirms it
	Unreadable Kind = "unreadable" // it is not what the table or the file is meant to hold
)

// Fault is one finding of a verification. What is not known is zero.
type Fault struct {
	Kind   Kind      `json:"kind"`
	Tenant uuid.UUID `json:"tenant_id"`
	What   string    `json:"what"`            // "event", "checkpoint", "anchor", "head", or a part of an export
	Seq    int64     `json:"seq,omitempty"`   // the place in the tenant's chain, or the number of a checkpoint
	Event  string    `json:"event,omitempty"` // its id
	Line   int       `json:"line,omitempty"`  // in an export
	Detail string    `json:"detail"`
}

func (f Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Kind, f.What)
	if f.Seq != 0 {
		fmt.Fprintf(&b, " %d", f.Seq)
	}
	if f.Event != "" {
		fmt.Fprintf(&b, " %s", f.Event)
	}
	if f.Tenant != uuid.Nil {
		fmt.Fprintf(&b, " of tenant %s", f.Tenant)
	}
	if f.Line != 0 {
		fmt.Fprintf(&b, " in line %d", f.Line)
	}
	return b.String() + ": " + f.Detail
}

// Report is what a verification has looked at.
type Report struct {
	Tenants     int         `json:"tenants"`
	Events      int         `json:"events"`      // in the chains
	Unsealed    int         `json:"unsealed"`    // committed and not in a chain yet, as after a crash
	Checkpoints int         `json:"checkpoints"` // whose signature is good
	Faults      []Fault     `json:"faults"`
	Keys        []PublicKey `json:"-"`
}

func (r *Report) add(other Report) {
	r.Events += other.Events
	r.Unsealed += other.Unsealed
	r.Checkpoints += other.Checkpoints
	r.Faults = append(r.Faults, other.Faults...)
}
