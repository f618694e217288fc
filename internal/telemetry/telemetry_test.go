package telemetry

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx/fxevent"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/lifecycle"
	"github.com/yourorg/platform/pkg/config"
)

func TestTheEnvironmentChoosesTheFormatOfTheLog(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		format string
		env    config.Environment
		json   bool
	}{
		"lines for people in development": {"auto", config.Development, false},
		"JSON in production":              {"auto", config.Production, true},
		"JSON in tests":                   {"auto", config.Test, true},
		"JSON when asked for":             {"json", config.Development, true},
		"lines when asked for":            {"console", config.Production, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			cfg := Config{Level: "info", Format: tt.format}
			level, err := NewLevel(cfg)
			require.NoError(t, err)
			log := newLogger(cfg, level, tt.env, &out)
			log.Debug("quiet")
			log.Named("blog").Info("hello", zap.String("user_id", "u"), zap.Duration("took", 1500*time.Microsecond))
			require.Equal(t, 1, strings.Count(out.String(), "\n"))
			if !tt.json {
				require.Contains(t, out.String(), "INFO\tblog\thello")
				return
			}
			var line map[string]any
			require.NoError(t, json.Unmarshal(out.Bytes(), &line))
			at, err := time.Parse(time.RFC3339Nano, line["time"].(string))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), at, time.Minute)
			delete(line, "time")
			require.Equal(t, map[string]any{"level": "info", "logger": "blog", "message": "hello", "user_id": "u", "took": 1.5}, line)
		})
	}
}

func TestEverySettingOfTheLogIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	err := Config{Level: "loud", Format: "xml"}.Validate()
	require.ErrorContains(t, err, "level must be")
	require.ErrorContains(t, err, "format must be")
	for _, level := range []string{"loud", "fatal", "panic"} {
		require.Error(t, Config{Level: level, Format: "json"}.Validate(), level)
	}
}

func TestTheLevelChangesUnderEveryLoggerOfTheProcess(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := Config{Level: "warn", Format: "json"}
	level, err := NewLevel(cfg)
	require.NoError(t, err)
	log := newLogger(cfg, level, config.Test, &out).Named("blog").With(zap.Int("n", 1))
	log.Info("unheard")
	require.NoError(t, level.Set("debug"))
	require.Error(t, level.Set("fatal"), "errors cannot be silenced")
	require.Equal(t, "debug", level.String())
	log.Debug("heard")
	require.NoError(t, level.Set("error"))
	log.Warn("unheard")
	require.Contains(t, out.String(), `"message":"heard"`)
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
}

// The loggers of the process are what is tested, so this test runs alone.
func TestLibrariesLogToTheSamePlace(t *testing.T) {
	before := slog.Default()
	core, logs := observer.New(zap.DebugLevel)
	restore := Capture(zap.New(core))
	slog.Info("from slog", "key", "value")
	slog.With("a", 1).WithGroup("g").Warn("grouped", "b", 2)
	log.Print("from log")
	restore()
	slog.Debug("not seen")

	require.Equal(t, before, slog.Default())
	require.Len(t, logs.All(), 3)
	require.Equal(t, map[string]any{"key": "value"}, logs.FilterMessage("from slog").All()[0].ContextMap())
	require.Equal(t, zap.WarnLevel, logs.FilterMessage("grouped").All()[0].Level)
	require.Equal(t, "std", logs.FilterMessage("from log").All()[0].LoggerName)
}

func TestOfTheGraphOnlyWhatFailsToStopIsLogged(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	f := Failures{Log: zap.New(core), Parts: lifecycle.New(time.Minute, time.Minute)}
	f.LogEvent(&fxevent.Provided{ConstructorName: "x"})
	starting, done := f.Parts.Starting(t.Context())
	defer done()
	f.LogEvent(&fxevent.OnStartExecuting{FunctionName: "connect"})
	f.LogEvent(&fxevent.OnStartExecuted{FunctionName: "connect"})
	f.LogEvent(&fxevent.OnStartExecuting{FunctionName: "listen"})
	f.LogEvent(&fxevent.OnStartExecuted{FunctionName: "listen", Err: errors.New("the command prints it")})
	require.EqualError(t, f.Parts.Why(starting), "listen: the command prints it")
	f.LogEvent(&fxevent.OnStopExecuting{FunctionName: "fine"})
	f.LogEvent(&fxevent.OnStopExecuted{FunctionName: "fine"})
	require.Equal(t, "fine", f.Parts.Current())
	require.Empty(t, logs.All())

	f.LogEvent(&fxevent.OnStopExecuted{FunctionName: "drain", Err: errors.New("mine")})
	require.Equal(t, 1, logs.FilterLevelExact(zap.ErrorLevel).Len())
	require.Equal(t, map[string]any{"hook": "drain", "error": "mine"}, logs.All()[0].ContextMap())
}

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsShowTheProcessThePoolsAndTheChecks(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	require.NoError(t, m.Pools(func() map[string]sql.DBStats {
		return map[string]sql.DBStats{"writer": {InUse: 1, Idle: 2, WaitCount: 3, WaitDuration: 1500 * time.Millisecond}}
	}))
	require.NoError(t, m.Health(func() map[string]float64 { return map[string]float64{"database": 0.5} }))
	text := scrape(m)
	for _, line := range []string{
		`platform_database_connections{pool="writer",state="in_use"} 1`,
		`platform_database_connections{pool="writer",state="idle"} 2`,
		`platform_database_waits_total{pool="writer"} 3`,
		`platform_database_wait_seconds_total{pool="writer"} 1.5`,
		`platform_health_status{check="database"} 0.5`,
		"go_goroutines ",
	} {
		require.Contains(t, text, line)
	}
	require.NotContains(t, scrape(NewMetrics()), "platform_database", "two platforms in one process keep apart")
	require.Error(t, m.Pools(nil), "twice")
}
