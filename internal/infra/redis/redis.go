// Package redis connects to a Redis server that the platform may use, and must not rely on to remember anything.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Client is a pool of connections. It connects when it is used, and again whenever the server was away.
type Client struct {
	*redis.Client
	options redis.Options // as they were given: the library fills in its own copy, which does not mean the same a second time
}

// Open returns a client for the server of the configuration, which need not be there yet. Whoever opens it closes it.
// Without redis.url it is an error. What is to be different from what others get is said by change.
func Open(cfg Config, change ...func(*redis.Options)) (*Client, error) {
	opts, err := redis.ParseURL(cfg.URL.Reveal())
	if err != nil {
		return nil, errors.New("redis.url is not set, or cannot be used") // the error may quote the password
	}
	logging.Disable() // the library would write to standard error by itself; whoever calls it gets the error
	opts.ClientName = "platform"
	opts.DialTimeout = 3 * time.Second
	opts.ContextTimeoutEnabled = true
	// A notice of Redis Enterprise about its maintenance; other servers answer the subscription with an error.
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	for _, fn := range change {
		fn(opts)
	}
	return open(opts), nil
}

func open(opts *redis.Options) *Client {
	client := redis.NewClient(opts)
	client.AddHook(traced{})
	return &Client{client, *opts}
}

// Again returns another client for the same server that is the same in all but its connections. Whoever asks for it closes it.
func (c *Client) Again() *Client { return open(&c.options) }

// Ping tells whether the server answers.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.Client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask Redis: %w", err)
	}
	return nil
}
