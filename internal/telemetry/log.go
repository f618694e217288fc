// Package telemetry makes the platform's logs and metrics.
package telemetry

import (
	"io"
	"log/slog"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/yourorg/platform/pkg/config"
)

// NewLogger writes to standard error: one JSON object a line, or lines for people.
func NewLogger(cfg Config, level *Level, env config.Environment) *zap.Logger {
	return newLogger(cfg, level, env, zapcore.Lock(os.Stderr))
}

func newLogger(cfg Config, level *Level, env config.Environment, out io.Writer) *zap.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey, encoding.EncodeTime = "time", zapcore.TimeEncoderOfLayout(time.RFC3339Nano)
	encoding.MessageKey, encoding.EncodeDuration = "message", milliseconds
	encoder := zapcore.NewJSONEncoder(encoding)
	if cfg.Format == "console" || cfg.Format == "auto" && env == config.Development {
		encoding.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	core := zapcore.NewCore(encoder, zapcore.AddSync(out), level.at)
	return zap.New(core, zap.ErrorOutput(zapcore.Lock(os.Stderr)))
}

// milliseconds keeps the fraction, which zap's own encoder drops: most requests take less than one.
func milliseconds(d time.Duration, enc zapcore.PrimitiveArrayEncoder) {
	enc.AppendFloat64(float64(d) / float64(time.Millisecond))
}

// Capture sends what libraries log through log/slog and log to the same place. The function it returns undoes that.
func Capture(log *zap.Logger) (restore func()) {
	before := slog.Default()
	slog.SetDefault(slog.New(zapslog.NewHandler(log.Core())))
	undo := zap.RedirectStdLog(log.Named("std"))
	return func() {
		undo()
		slog.SetDefault(before)
	}
}
