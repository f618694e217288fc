package config

// Environment is where the platform runs. Other names are possible, and are treated like production wherever it
// matters for security.
type Environment string

// The environments that the platform knows.
const (
	Development Environment = "development"
	Production  Environment = "production"
	Test        Environment = "test"
)
