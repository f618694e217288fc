package fcm

import (
	"encoding/json"
	"errors"
	"net/url"

	"github.com/yourorg/platform/pkg/config"
)

// Config says with which project.
type Config struct {
	// Credentials is the key file of the service account, as JSON.
	Credentials config.Secret `mapstructure:"credentials"`
	// URL is where Firebase Cloud Messaging is.
	URL string `mapstructure:"url"`
}

// DefaultConfig has no project.
func DefaultConfig() Config { return Config{URL: "https://fcm.googleapis.com"} }

// Validate names every key that cannot work, below "fcm".
func (c Config) Validate() error {
	var errs []error
	if _, err := c.account(); err != nil {
		errs = append(errs, config.Invalid("fcm.credentials", "%s", err))
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" {
		errs = append(errs, config.Invalid("fcm.url", "is not an address"))
	}
	return errors.Join(errs...)
}

// account is what is needed of the key file.
type account struct {
	Project  string `json:"project_id"`
	Email    string `json:"client_email"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	TokenURI string `json:"token_uri"`
}

// account leaves the value out of its errors.
func (c Config) account() (a account, err error) {
	if json.Unmarshal([]byte(c.Credentials.Reveal()), &a) != nil {
		return a, errors.New("is not the JSON of a service account")
	}
	if a.Project == "" || a.Email == "" || a.Key == "" || a.TokenURI == "" || url.PathEscape(a.Project) != a.Project {
		return a, errors.New("lacks project_id, client_email, private_key or token_uri")
	}
	return a, nil
}
