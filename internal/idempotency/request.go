package idempotency

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// Request is one that has a key.
type Request struct {
	Tenant tenant.ID // zero for the platform's own
	Caller string    // who sends it, such as "user <id>": a key means nothing to anybody else
	User   uuid.UUID // whose answer it is, so that it goes with them
	Key    string

	Fingerprint [sha256.Size]byte // of all that makes it this request and no other
}

// place is where the answer to a request is kept.
type place struct {
	id   uuid.UUID // of the row
	lock int64     // of Postgres, while the request runs
}

// place is made of a hash, so that the key itself is not kept, and one index finds it. Who calls is part of it: no two
// callers meet in one.
func (r *Request) place() place {
	h := sha256.Sum256(fields(nil, "platform idempotency v1", r.Tenant.String(), r.Caller, r.Key))
	p := place{lock: int64(binary.BigEndian.Uint64(h[16:24]))} //nolint:gosec // any 64 bits will do
	copy(p.id[:], h[:16])
	p.id[6], p.id[8] = p.id[6]&0x0f|0x80, p.id[8]&0x3f|0x80 // version 8: of our own making (RFC 9562, section 5.8)
	return p
}

// Fingerprint is the hash of what it is given, in this order.
func Fingerprint(parts ...string) [sha256.Size]byte {
	return sha256.Sum256(fields(nil, parts...))
}

// fields puts each one behind its length, so that no two lists look the same.
func fields(b []byte, parts ...string) []byte {
	for _, part := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
