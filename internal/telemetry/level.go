package telemetry

import (
	"errors"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Level is the least that is logged. It can change while the process runs.
type Level struct{ at zap.AtomicLevel }

// NewLevel returns the level that a checked configuration asks for.
func NewLevel(cfg Config) (*Level, error) {
	l := &Level{at: zap.NewAtomicLevel()}
	return l, l.Set(cfg.Level)
}

// Set takes one of debug, info, warn and error, for every logger of the process.
func (l *Level) Set(name string) error {
	level, err := parseLevel(name)
	if err != nil {
		return err
	}
	l.at.SetLevel(level)
	return nil
}

// String is what Set takes.
func (l *Level) String() string { return l.at.String() }

var errLevel = errors.New("must be debug, info, warn or error")

func parseLevel(name string) (zapcore.Level, error) {
	level, err := zapcore.ParseLevel(name)
	if name == "" || err != nil || level > zapcore.ErrorLevel { // errors are never silenced
		return level, errLevel
	}
	return level, nil
}
