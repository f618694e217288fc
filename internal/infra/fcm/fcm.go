// Package fcm reaches devices through Firebase Cloud Messaging (HTTP v1).
package fcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/yourorg/platform/pkg/notify"
)

const scope = "https://www.googleapis.com/auth/firebase.messaging"

// Push is the channel "push".
type Push struct {
	address string
	client  *http.Client // with a token of the service account, which it renews
}

var _ notify.Channel = (*Push)(nil)

// New asks for a token when there is something to deliver.
func New(cfg Config, client *http.Client) (*Push, error) {
	a, err := cfg.account()
	if err != nil {
		return nil, err
	}
	account := &jwt.Config{Email: a.Email, PrivateKey: []byte(a.Key), PrivateKeyID: a.KeyID, Scopes: []string{scope}, TokenURL: a.TokenURI}
	authorized := account.Client(context.WithValue(context.Background(), oauth2.HTTPClient, client))
	authorized.Timeout = client.Timeout
	return &Push{address: strings.TrimRight(cfg.URL, "/") + "/v1/projects/" + a.Project + "/messages:send", client: authorized}, nil
}

// Name is "push".
func (*Push) Name() string { return notify.Push }

// Deliver implements notify.Channel. It is enough that one device was reached: trying again would tell that one twice.
func (p *Push) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	if len(r.To.Devices) == 0 {
		return "", notify.ErrNoAddress
	}
	var ids []string
	var errs []error
	permanent := true
	for _, device := range r.To.Devices {
		id, err := p.tell(ctx, device, r)
		if err == nil {
			ids = append(ids, id)
			continue
		}
		errs, permanent = append(errs, err), permanent && notify.IsPermanent(err)
	}
	if len(ids) > 0 {
		return strings.Join(ids, " "), nil
	}
	if err := errors.Join(errs...); permanent {
		return "", notify.Permanent(err)
	}
	return "", errors.Join(withoutMark(errs)...)
}

// withoutMark keeps the errors that can be mended: one that cannot be does not speak for all.
func withoutMark(errs []error) (open []error) {
	for _, err := range errs {
		if !notify.IsPermanent(err) {
			open = append(open, err)
		}
	}
	return open
}

type message struct {
	Token        string            `json:"token"`
	Notification map[string]string `json:"notification"`
	Data         map[string]string `json:"data"`
}

func (p *Push) tell(ctx context.Context, device string, r notify.Rendered) (string, error) {
	body, err := json.Marshal(map[string]message{"message": {
		Token: device, Notification: map[string]string{"title": r.Subject, "body": r.Short},
		Data: map[string]string{"id": r.ID.String(), "template": r.Template, "category": r.Category},
	}})
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("encode a message: %w", err))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address, bytes.NewReader(body))
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("prepare the request to FCM: %w", err))
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := p.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("reach FCM: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Name  string `json:"name"`
		Error struct {
			Status string `json:"status"`
		} `json:"error"`
	}
	_ = json.NewDecoder(answer.Body).Decode(&said) // an answer without JSON has its status
	return said.Name, notify.Answered("FCM", answer, said.Error.Status)
}
