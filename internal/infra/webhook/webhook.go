// Package webhook tells a system of a tenant, which can check that it was us (standardwebhooks.com).
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/web"
)

// Webhook is the channel "webhook". It goes to the address that the tenant has set, if that is a public one.
type Webhook struct {
	client   *http.Client
	settings settings.Reader
}

var (
	_ notify.Channel    = (*Webhook)(nil)
	_ notify.Confirming = (*Webhook)(nil)
)

// New uses a client that refuses addresses inside the network: see web.Outbound.
func New(guarded *http.Client, r settings.Reader) *Webhook {
	return &Webhook{client: guarded, settings: r}
}

// Name is "webhook".
func (*Webhook) Name() string { return notify.Webhook }

// Confirms says that whoever answers has it.
func (*Webhook) Confirms() bool { return true }

// event is what is sent.
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      said      `json:"data"`
}

type said struct {
	ID       uuid.UUID `json:"id"`
	TenantID uuid.UUID `json:"tenant_id"`
	Category string    `json:"category"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
}

// Deliver implements notify.Channel.
func (h *Webhook) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	address, err := notify.WebhookURL.GetFor(ctx, h.settings, r.Tenant, uuid.Nil)
	if err != nil {
		return "", fmt.Errorf("look up the address: %w", err)
	}
	if address == "" || r.Tenant == uuid.Nil {
		return "", notify.ErrNoAddress
	}
	secret, err := notify.WebhookSecret.GetFor(ctx, h.settings, r.Tenant, uuid.Nil)
	if err != nil {
		return "", fmt.Errorf("look up the secret: %w", err)
	}
	key, err := notify.WebhookKey(secret)
	if err != nil {
		return "", notify.Permanent(err)
	}
	at := time.Now()
	body, err := json.Marshal(event{Type: r.Template, Timestamp: at.UTC(), Data: said{
		ID: r.ID, TenantID: r.Tenant, Category: r.Category, Subject: r.Subject, Text: r.Text,
	}})
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("encode a message: %w", err))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", notify.Permanent(errors.New("the address cannot be asked"))
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range Sign(key, r.ID.String(), at, body) {
		request.Header.Set(name, value)
	}
	answer, err := h.client.Do(request)
	if errors.Is(err, web.ErrOutbound) {
		return "", notify.Permanent(web.ErrOutbound)
	}
	if err != nil {
		return "", errors.New("the address could not be reached") // the error itself tells about the network
	}
	defer func() { _ = answer.Body.Close() }()
	return "", notify.Answered("the webhook", answer, "")
}

// Sign makes the headers by which a receiver checks a message: its id, which is the same at each try, when it was sent,
// and an HMAC-SHA256 over both and the body.
func Sign(key []byte, id string, at time.Time, body []byte) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + stamp + "."))
	_, _ = mac.Write(body)
	return map[string]string{
		"Webhook-Id": id, "Webhook-Timestamp": stamp, "Webhook-Signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}
}
