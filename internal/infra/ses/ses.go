// Package ses sends mails through the API of Amazon SES (version 2).
package ses

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

// Config says with which account.
type Config struct {
	// Region is where the account sends from, such as eu-central-1.
	Region string `mapstructure:"region"`
	// AccessKeyID is the access key that may call ses:SendEmail.
	AccessKeyID string `mapstructure:"access_key_id"`
	// SecretAccessKey belongs to the access key.
	SecretAccessKey config.Secret `mapstructure:"secret_access_key"`
	// ConfigurationSet is the one that mails are sent with, if any.
	ConfigurationSet string `mapstructure:"configuration_set"`
	// URL is where the API is: that of the region when it is empty.
	URL string `mapstructure:"url"`
}

var region = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+$`)

// Validate names every key that cannot work, below "ses".
func (c Config) Validate() error {
	var errs []error
	if !region.MatchString(c.Region) {
		errs = append(errs, config.Invalid("ses.region", "must be a region such as eu-central-1"))
	}
	if c.AccessKeyID == "" {
		errs = append(errs, config.Invalid("ses.access_key_id", "is missing"))
	}
	if c.SecretAccessKey == "" {
		errs = append(errs, config.Invalid("ses.secret_access_key", "is missing"))
	}
	return errors.Join(errs...)
}

// SES is the channel "email" over the API.
type SES struct {
	client *sesv2.Client
	set    string
	sender email.Sender
}

var _ notify.Channel = (*SES)(nil)

// New connects when there is something to deliver. It tries once: whoever calls it decides about the next time.
func New(cfg Config, sender email.Sender, client *http.Client) *SES {
	keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: cfg.AccessKeyID, SecretAccessKey: cfg.SecretAccessKey.Reveal()}, nil
	})
	options := sesv2.Options{Region: cfg.Region, Credentials: keys, HTTPClient: client, Retryer: aws.NopRetryer{}}
	if cfg.URL != "" {
		options.BaseEndpoint = aws.String(cfg.URL)
	}
	return &SES{client: sesv2.New(options), set: cfg.ConfigurationSet, sender: sender}
}

// Name is "email".
func (*SES) Name() string { return notify.Email }

// Deliver implements notify.Channel. The id is that of the message at SES.
func (s *SES) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	m, err := s.sender.Compose(r, time.Now())
	if err != nil {
		return "", err
	}
	var raw bytes.Buffer
	if _, err := m.WriteTo(&raw); err != nil {
		return "", fmt.Errorf("write a mail: %w", err)
	}
	input := &sesv2.SendEmailInput{
		Content:     &types.EmailContent{Raw: &types.RawMessage{Data: raw.Bytes()}},
		Destination: &types.Destination{ToAddresses: []string{r.To.Email}},
	}
	if s.set != "" {
		input.ConfigurationSetName = aws.String(s.set)
	}
	out, err := s.client.SendEmail(ctx, input)
	if err != nil {
		return "", classify(err)
	}
	return aws.ToString(out.MessageId), nil
}

// classify tells what another try may mend: a mail that SES refuses is refused again.
func classify(err error) error {
	said, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("reach SES: %w", err)
	}
	text := fmt.Errorf("SES answered %s", said.ErrorCode()) // the message beside it repeats addresses
	switch said.ErrorCode() {
	case "MessageRejected", "BadRequestException":
		return notify.Permanent(text)
	}
	return text
}
