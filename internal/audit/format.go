package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// exportFormat is the first thing that an export says.
const exportFormat = "platform.audit/1"

// The lines of an NDJSON export: a header, the events and checkpoints in the order of the chain, and an end that signs
// everything before it. Binary values are base64.
type (
	headerLine struct {
		Type     string      `json:"type"` // "header"
		Format   string      `json:"format"`
		TenantID uuid.UUID   `json:"tenant_id"`
		Time     time.Time   `json:"exported_at"`
		Keys     []keyLine   `json:"keys"`
		Anchor   *anchorLine `json:"anchor"` // null when the chain is there from its beginning
	}
	keyLine struct {
		ID        uuid.UUID `json:"id"`
		Algorithm string    `json:"algorithm"`
		PublicKey []byte    `json:"public_key"`
	}
	anchorLine struct {
		Seq       int64     `json:"seq"`
		Hash      []byte    `json:"hash"`
		Time      time.Time `json:"time"`
		KeyID     uuid.UUID `json:"key_id"`
		Signature []byte    `json:"signature"`
	}
	eventLine struct {
		Type       string          `json:"type"` // "event"
		Seq        int64           `json:"seq"`
		ID         uuid.UUID       `json:"id"`
		Time       time.Time       `json:"time"`
		Actor      *uuid.UUID      `json:"actor"`
		Permission string          `json:"permission"`
		Target     string          `json:"target"`
		Outcome    string          `json:"outcome"`
		IP         string          `json:"ip"`
		RequestID  string          `json:"request_id"`
		Reason     string          `json:"reason"`
		Changes    json.RawMessage `json:"changes"` // null when there are none, a string when they are no JSON
		MAC        []byte          `json:"mac"`
		Prev       []byte          `json:"prev"`
		Hash       []byte          `json:"hash"`
	}
	checkpointLine struct {
		Type      string    `json:"type"` // "checkpoint"
		Number    int64     `json:"number"`
		Seq       int64     `json:"seq"`
		Hash      []byte    `json:"hash"`
		Time      time.Time `json:"time"`
		KeyID     uuid.UUID `json:"key_id"`
		Signature []byte    `json:"signature"`
	}
	endLine struct {
		Type      string    `json:"type"` // "end"
		Seq       int64     `json:"seq"`  // of the last event
		Digest    []byte    `json:"digest"`
		KeyID     uuid.UUID `json:"key_id"`
		Signature []byte    `json:"signature"`
	}
)

func toEventLine(l link, e *record) eventLine {
	return eventLine{
		Type: "event", Seq: l.seq, ID: e.id, Time: e.time, Actor: e.actor, Permission: e.permission, Target: e.target,
		Outcome: e.outcome, IP: e.ip, RequestID: e.requestID, Reason: e.reason, Changes: embedded(e.changes), MAC: e.mac,
		Prev: l.prev, Hash: l.hash,
	}
}

// embedded puts JSON into the line as it is, when it comes out of it as it is.
func embedded(changes string) json.RawMessage {
	if changes == "" {
		return json.RawMessage("null")
	}
	if again, err := json.Marshal(json.RawMessage(changes)); err == nil && string(again) == changes && changes[0] == '[' {
		return again
	}
	text, err := json.Marshal(changes)
	if err != nil { // a string always encodes
		return json.RawMessage("null")
	}
	return text
}

// read is the opposite: the event as it was hashed.
func (l *eventLine) read(tenant uuid.UUID) (link, *record) {
	changes := string(l.Changes)
	var text string
	if changes == "null" {
		changes = ""
	} else if json.Unmarshal(l.Changes, &text) == nil {
		changes = text
	}
	e := &record{
		id: l.ID, tenant: tenant, time: l.Time, actor: l.Actor, permission: l.Permission, target: l.Target, outcome: l.Outcome,
		ip: l.IP, requestID: l.RequestID, reason: l.Reason, changes: changes, mac: l.MAC,
	}
	return link{id: l.ID, tenant: tenant, seq: l.Seq, digest: e.digest(), prev: l.Prev, hash: l.Hash}, e
}

func toCheckpointLine(s statement) checkpointLine {
	return checkpointLine{Type: "checkpoint", Number: s.number, Seq: s.seq, Hash: s.hash, Time: s.time, KeyID: s.key, Signature: s.signature}
}

func (l *checkpointLine) read(tenant uuid.UUID) statement {
	return statement{number: l.Number, tenant: tenant, seq: l.Seq, hash: l.Hash, time: l.Time, key: l.KeyID, signature: l.Signature}
}

func toAnchorLine(s *statement) *anchorLine {
	if s == nil {
		return nil
	}
	return &anchorLine{Seq: s.seq, Hash: s.hash, Time: s.time, KeyID: s.key, Signature: s.signature}
}

func (l *anchorLine) read(tenant uuid.UUID) *statement {
	if l == nil {
		return nil
	}
	return &statement{tenant: tenant, seq: l.Seq, hash: l.Hash, time: l.Time, key: l.KeyID, signature: l.Signature}
}

func (l *endLine) message(tenant uuid.UUID) []byte {
	return message(domainExport, tenant[:], number(l.Seq), l.Digest, l.KeyID[:])
}

// decode reads a line, which must be written exactly as an export writes it: a name in capitals or a blank would
// otherwise be a change that nobody notices.
func decode(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("it cannot be parsed: %w", err)
	}
	again, err := json.Marshal(into)
	if err != nil || !bytes.Equal(again, line) {
		return errors.New("it is not written as an export writes it")
	}
	return nil
}
