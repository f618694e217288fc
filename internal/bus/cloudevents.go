package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/event"
)

// source is what CloudEvents calls the context in which the id is unique.
const source = "/platform"

// cloudEvent is the form of an event outside the process: CloudEvents 1.0 as JSON, with extensions in lower case.
type cloudEvent struct {
	SpecVersion  string          `json:"specversion"`
	ID           uuid.UUID       `json:"id"`
	Source       string          `json:"source"`
	Type         string          `json:"type"`
	Time         time.Time       `json:"time"`
	ContentType  string          `json:"datacontenttype"`
	DataVersion  int             `json:"dataversion"`
	PartitionKey string          `json:"partitionkey,omitempty"`
	TenantID     *uuid.UUID      `json:"tenantid,omitempty"`
	ActorID      *uuid.UUID      `json:"actorid,omitempty"`
	RequestID    string          `json:"requestid,omitempty"`
	TraceParent  string          `json:"traceparent,omitempty"`
	Data         json.RawMessage `json:"data"`
}

// Encode writes e as a CloudEvent.
func Encode(e *event.Envelope) ([]byte, error) {
	encoded, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: e.ID, Source: source, Type: e.Topic, Time: e.Time, ContentType: "application/json", DataVersion: e.Version,
		PartitionKey: e.Key, TenantID: given(e.Tenant), ActorID: given(e.Actor), RequestID: e.RequestID, TraceParent: e.Trace, Data: e.Data,
	})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return encoded, nil
}

// Decode reads what Encode has written. Anybody who reaches the broker may have written something else.
func Decode(raw []byte) (*event.Envelope, error) {
	var c cloudEvent
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("decode an event: %w", err)
	}
	if c.SpecVersion != "1.0" || c.ID == uuid.Nil || c.Type == "" || c.DataVersion < 1 || len(c.Data) == 0 || c.Source != source {
		return nil, errors.New("decode an event: it is not a CloudEvent of this platform")
	}
	e := &event.Envelope{
		ID: c.ID, Topic: c.Type, Version: c.DataVersion, Key: c.PartitionKey, RequestID: c.RequestID, Trace: c.TraceParent,
		Time: c.Time.UTC(), Data: c.Data,
	}
	if c.TenantID != nil {
		e.Tenant = *c.TenantID
	}
	if c.ActorID != nil {
		e.Actor = *c.ActorID
	}
	return e, nil
}

func given(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
