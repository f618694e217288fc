package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// What is hashed, authenticated and signed begins with what it is, so that nothing can stand for something else.
const (
	domainEvent      = "platform audit event v1\n"
	domainGenesis    = "platform audit genesis v1\n"
	domainLink       = "platform audit link v1\n"
	domainCheckpoint = "platform audit checkpoint v1\n"
	domainAnchor     = "platform audit anchor v1\n"
	domainHead       = "platform audit head v1\n"
	domainExport     = "platform audit export v1\n"
)

// record is an event with everything that its row holds.
type record struct {
	id, tenant uuid.UUID
	time       time.Time
	actor      *uuid.UUID
	permission string
	target     string
	outcome    string
	ip         string
	requestID  string
	reason     string
	changes    string // JSON, or empty
	mac        []byte // empty in rows from before the chain
}

// canonical is the one byte string that stands for the row: every field behind its length.
func (r *record) canonical() []byte {
	b := message(domainEvent, r.id[:], r.tenant[:], number(r.time.UnixMicro()))
	actor := []byte{}
	if r.actor != nil {
		actor = r.actor[:]
	}
	b = appendField(b, actor)
	for _, text := range []string{r.permission, r.target, r.outcome, r.ip, r.requestID, r.reason, r.changes} {
		b = appendField(b, []byte(text))
	}
	return b
}

// authenticate is the mac of the row under key: only the platform can have written it.
func (r *record) authenticate(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(r.canonical())
	return h.Sum(nil)
}

// digest is what the chain remembers of the row.
func (r *record) digest() []byte { return sum(appendField(r.canonical(), r.mac)) }

// link is the place of one event in its tenant's chain.
type link struct {
	id, tenant         uuid.UUID
	seq                int64
	digest, prev, hash []byte
}

// at is the hash that l has when it stands in the place seq.
func (l *link) at(seq int64) []byte {
	return sum(message(domainLink, l.tenant[:], number(seq), l.id[:], l.prev, l.digest))
}

// consistent tells whether l is as it was made.
func (l *link) consistent() bool { return bytes.Equal(l.at(l.seq), l.hash) }

// genesis is what the first link of a tenant follows.
func genesis(tenant uuid.UUID) []byte { return sum(message(domainGenesis, tenant[:])) }

// statement is what a checkpoint or an anchor says: the chain of tenant has hash in the place seq.
type statement struct {
	number    int64 // of the checkpoint; 0 in an anchor
	tenant    uuid.UUID
	seq       int64
	hash      []byte
	time      time.Time
	key       uuid.UUID
	signature []byte
}

func (s *statement) message(domain string) []byte {
	return message(domain, number(s.number), s.tenant[:], number(s.seq), s.hash, number(s.time.UnixMicro()), s.key[:])
}

// headMessage is what the head signs: how many checkpoints there are, and up to which they may have been removed.
func headMessage(count, floor int64, key uuid.UUID) []byte {
	return message(domainHead, number(count), number(floor), key[:])
}

func message(domain string, fields ...[]byte) []byte {
	b := []byte(domain)
	for _, f := range fields {
		b = appendField(b, f)
	}
	return b
}

func appendField(b, field []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(field)))
	return append(b, field...)
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func sum(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
