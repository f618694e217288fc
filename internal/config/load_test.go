package config

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

func TestEachLayerWinsOverTheOnesBelow(t *testing.T) {
	t.Parallel()
	layers := []struct {
		name   string
		give   func(p *place, text string)
		source string
	}{
		{"the embedded default file", func(p *place, s string) { p.embed("default.yaml", "web: {addr: "+s+"}") }, "config/default.yaml (embedded)"},
		{"the file of the environment", func(p *place, s string) { p.embed("development.yaml", "web: {addr: "+s+"}") }, "config/development.yaml (embedded)"},
		{"the file of --config", func(p *place, s string) {
			p.write("x.yaml", "web: {addr: "+s+"}")
			p.opts.File = p.path("x.yaml")
		}, "file DIR/x.yaml"},
		{".env", func(p *place, s string) { p.write(".env", "PLATFORM_WEB_ADDR="+s) }, ".env"},
		{"the environment", func(p *place, s string) { p.env("PLATFORM_WEB_ADDR=" + s) }, "environment variable PLATFORM_WEB_ADDR"},
		{"a flag", func(p *place, s string) { p.opts.Set = []string{"web.addr=" + s} }, "flag --set"},
	}
	for top := range len(layers) + 1 {
		name := "only the code"
		if top > 0 {
			name = "up to " + layers[top-1].name
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			want := Value{Key: "web.addr", Value: ":8080", Text: ":8080", Source: "default"}
			for i, l := range layers[:top] {
				text := fmt.Sprintf("value%d", i)
				l.give(p, text)
				source := strings.Replace(l.source, "DIR/x.yaml", p.path("x.yaml"), 1)
				want = Value{Key: "web.addr", Value: text, Text: text, Source: source}
			}
			require.Equal(t, want, p.value("web.addr"))
			require.Equal(t, "default", p.value("web.ratio").Source)
		})
	}
}

func TestSpellingsOfTheEnvironmentLayer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		give   func(p *place)
		source string
	}{
		{"a file named by a variable", func(p *place) {
			p.write("mounted/key", "s3cret\r\n\n")
			p.env("PLATFORM_VAULT_KEY_FILE=" + p.path("mounted/key"))
		}, "file named by PLATFORM_VAULT_KEY_FILE"},
		{"a file in config/secrets", func(p *place) {
			p.write("config/secrets/.gitignore", "*")
			p.write("config/secrets/vault.key", "s3cret\n")
		}, "config/secrets/vault.key"},
		{"a file that .env names relative to itself", func(p *place) {
			p.write("key", "s3cret\n")
			p.write(".env", "PLATFORM_VAULT_KEY_FILE=key")
		}, "file named by PLATFORM_VAULT_KEY_FILE in .env"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			c.give(p)
			got := p.value("vault.key")
			require.Equal(t, config.Secret("s3cret"), got.Value)
			require.Equal(t, "********", got.Text)
			require.Equal(t, c.source, got.Source)
		})
	}
}

func TestTheEnvironmentIsChosenByTheHighestLayerThatNamesIt(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.Equal(t, "development", p.load().Environment())
	require.Equal(t, Value{Key: "environment", Value: "development", Text: "development", Source: "default"}, p.value("environment"))

	p.embed("production.yaml", "web: {debug: true}")
	p.write(".env", "PLATFORM_ENVIRONMENT=test")
	require.Equal(t, "test", p.load().Environment())
	require.Equal(t, false, p.value("web.debug").Value)

	p.env("PLATFORM_ENVIRONMENT=production")
	require.Equal(t, "production", p.load().Environment())
	require.Equal(t, "environment variable PLATFORM_ENVIRONMENT", p.value("environment").Source)
	require.Equal(t, "config/production.yaml (embedded)", p.value("web.debug").Source)

	p.opts.Environment = "development"
	require.Equal(t, "development", p.load().Environment())
	require.Equal(t, "flag --environment", p.value("environment").Source)
}

func TestUnmarshalReadsASectionOrAPartOfIt(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.env("PLATFORM_WEB_TLS_CERT=c", "PLATFORM_WEB_TLS_KEY=k", "PLATFORM_WEB_HOSTS=[]", "PLATFORM_WEB_LIMIT_RATE=9",
		"PLATFORM_WEB_NAME=n", "PLATFORM_WEB_HEADERS={}")
	cfg := p.load()

	got, want := defaultWeb(), defaultWeb()
	want.TLS, want.Hosts, want.Name, want.Headers = tlsConfig{"c", "k"}, []string{}, "n", map[string]string{}
	want.Limit.Rate = 9
	require.NoError(t, cfg.Unmarshal("web", &got))
	got.Ignored, want.Ignored = nil, nil
	require.Equal(t, want, got)

	var tls tlsConfig
	require.NoError(t, cfg.Unmarshal("web.tls", &tls))
	require.Equal(t, tlsConfig{"c", "k"}, tls)

	require.EqualError(t, cfg.Unmarshal("wbe", &tls), "config section wbe is not declared")
	require.ErrorContains(t, cfg.Unmarshal("web.tls", tls), "decode section web.tls")
	_, ok := cfg.Get("web.tls.ca")
	require.False(t, ok)
}

func TestNobodyCanChangeTheSnapshot(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	shared := defaultWeb()
	cfg, err := Load(p.opts, []config.Section{{Name: "web", Defaults: shared}})
	require.NoError(t, err)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			hosts, _ := cfg.Get("web.hosts")
			hosts.([]string)[0] = "changed"
			headers, _ := cfg.Get("web.headers")
			headers.(map[string]string)["X-A"] = "changed"
			var into webConfig
			if cfg.Unmarshal("web", &into) == nil {
				into.Hosts[1], into.Headers["X-A"] = "changed", "changed"
			}
			for _, v := range cfg.Values() {
				if hosts, ok := v.Value.([]string); ok {
					hosts[0] = "changed"
				}
			}
		})
	}
	wg.Wait()
	hosts, _ := cfg.Get("web.hosts")
	require.Equal(t, []string{"a", "b"}, hosts)
	headers, _ := cfg.Get("web.headers")
	require.Equal(t, map[string]string{"X-A": "1"}, headers)
	require.Equal(t, []string{"a", "b"}, shared.Hosts)
}

func TestValuesMaskSecretsAndReadWell(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.env("PLATFORM_VAULT_KEY=hunter2", "PLATFORM_VAULT_OLD=older1, older2", "PLATFORM_VAULT_URL=https://u:hunter2@h/x",
		"PLATFORM_WEB_TIMEOUT=60m", "PLATFORM_WEB_HEADERS=B=2,A=1")
	cfg := p.load()

	var lines []string
	for _, v := range cfg.Values() {
		lines = append(lines, v.Key+" = "+v.Text)
	}
	require.Equal(t, []string{
		"environment = development",
		"vault.key = ********",
		"vault.old = [********, ********]",
		"vault.url = https://u:xxxxx@h/x",
		"web.addr = :8080",
		"web.debug = false",
		"web.headers = {A=1, B=2}",
		"web.hosts = [a, b]",
		"web.limit.rate = 5",
		"web.max_body = 10485760",
		"web.name = web",
		"web.ports = []",
		"web.ratio = 0.5",
		"web.small = 0",
		"web.timeout = 1h",
		"web.tls.cert = ",
		"web.tls.key = ",
		"web.trusted = 127.0.0.1",
	}, lines)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, cfg), "hunter2")
		require.NotContains(t, fmt.Sprintf(verb, cfg.Values()), "hunter2")
	}
}
