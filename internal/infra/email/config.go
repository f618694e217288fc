package email

import (
	"errors"

	"github.com/yourorg/platform/pkg/config"
)

// How the connection is kept private.
const (
	StartTLS = "starttls" // plain at first, as is usual on port 587; refused when the server cannot
	TLS      = "tls"      // from the first byte, as is usual on port 465
	None     = "none"     // never: for a server on the same machine
)

// Config says how the mail server is reached.
type Config struct {
	// Host is the mail server.
	Host string `mapstructure:"host"`
	// Port is 587 with starttls and 465 with tls, mostly.
	Port int `mapstructure:"port"`
	// TLS is starttls, tls or none. Without TLS no password is sent; with tls it is sent by AUTH PLAIN.
	TLS string `mapstructure:"tls"`
	// Username is who sends; empty when the server does not ask.
	Username string `mapstructure:"username"`
	// Password belongs to the username.
	Password config.Secret `mapstructure:"password"`
	// Helo is how this machine names itself; its host name when it is empty.
	Helo string `mapstructure:"helo"`
}

// DefaultConfig has no server.
func DefaultConfig() Config { return Config{Port: 587, TLS: StartTLS} }

// Validate names every key that cannot work, below "smtp".
func (c Config) Validate() error {
	var errs []error
	if c.Host == "" {
		errs = append(errs, config.Invalid("smtp.host", "must name the mail server"))
	}
	if c.Port < 1 || c.Port > 65535 {
		errs = append(errs, config.Invalid("smtp.port", "must be from 1 to 65535"))
	}
	if c.TLS != StartTLS && c.TLS != TLS && c.TLS != None {
		errs = append(errs, config.Invalid("smtp.tls", "must be starttls, tls or none"))
	}
	if (c.Username == "") != (c.Password == "") {
		errs = append(errs, config.Invalid("smtp.password", "and smtp.username need each other"))
	}
	if c.Username != "" && c.TLS == None {
		errs = append(errs, config.Invalid("smtp.tls", "must not be none with a password"))
	}
	return errors.Join(errs...)
}
