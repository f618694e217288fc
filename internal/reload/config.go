package reload

// Config is the "reload" section of the configuration.
type Config struct {
	// Watch loads the configuration again when one of its files changes: that of --config, .env, config/secrets and those
	// that *_FILE variables name. Off, only SIGHUP and the operator do. Keys marked as reloaded take effect at once, the
	// others at the next start.
	Watch bool `mapstructure:"watch"`
}

// DefaultConfig watches.
func DefaultConfig() Config { return Config{Watch: true} }

// Validate accepts everything.
func (Config) Validate() error { return nil }
