package config

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestAFileThatCannotWorkIsRejectedWithItsKeyAndPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"an unknown key", "web:\n  adrr: x", "web.adrr is not a known key; did you mean web.addr? (from file FILE, line 2)"},
		{"an unknown section", "wbe: {addr: x}", "wbe is not a known key; did you mean web? (from file FILE, line 1)"},
		{"an unknown key that resembles none", "web: {colour_of_the_page: x}", "web.colour_of_the_page is not a known key (from file FILE, line 1)"},
		{"a key in the wrong case", "web: {Addr: x}", "web.Addr is not a known key; did you mean web.addr? (from file FILE, line 1)"},
		{"an unknown nested key", "web: {tls: {cret: x}}", "web.tls.cret is not a known key; did you mean web.tls.cert? (from file FILE, line 1)"},
		{"a key below a value", "web: {addr: {host: x}}", "web.addr must be a single value of type text (from file FILE, line 1)"},
		{"a value instead of a section", "web: s3cret", "web must be a mapping of keys to values (from file FILE, line 1)"},
		{"a key given twice", "web:\n  addr: x\n  addr: y", "web.addr is already given on line 2 (from file FILE, line 3)"},
		{"a section given twice", "web: {}\nweb: {}", "web is already given on line 1 (from file FILE, line 2)"},
		{"a key given nested and dotted", "web: {addr: x}\nweb.addr: y", "web.addr is already given on line 1 (from file FILE, line 2)"},
		{"a merge key", "web: {<<: {addr: x}}", "web.<< is not a known key (from file FILE, line 1)"},
		{"a line break in a key", "\"web\\nx\": 1", `"web\nx" is not a known key (from file FILE, line 1)`},
		{"the environment in a file", "environment: test", "environment cannot be set in a file that the environment chooses: use PLATFORM_ENVIRONMENT or --environment (from file FILE, line 1)"},
		{"a list as document", "[web]", "file FILE, line 1 must be a mapping of keys to values"},
		{"a mapping as key", "{a: b}: c", "file FILE, line 1 must have plain text as keys"},
		{"two documents", "web: {}\n---\nweb: {}", "file FILE holds more than one YAML document"},
		{"broken syntax", "web: {", "file FILE is not valid YAML: line 1: did not find expected node content"},
		{"an unknown anchor", "vault: {key: *s3cret}", "file FILE is not valid YAML: unknown anchor referenced"},
		{"a number as text", "web: {addr: 8080}", "web.addr must be text: put it in quotes (from file FILE, line 1)"},
		{"text as a number", `web: {max_body: "10"}`, "web.max_body must be an integer, without quotes (from file FILE, line 1)"},
		{"a fraction as an integer", "web: {max_body: 1.5}", "web.max_body must be an integer (from file FILE, line 1)"},
		{"an integer out of range", "web: {small: 256}", "web.small must be an integer from 0 to 255 (from file FILE, line 1)"},
		{"a negative unsigned integer", "web: {small: -1}", "web.small must be an integer from 0 to 255 (from file FILE, line 1)"},
		{"an integer of too many bits", "web: {max_body: 99999999999999999999}", "web.max_body must be an integer of at most 64 bits (from file FILE, line 1)"},
		{"a number that is none", "web: {ratio: .nan}", "web.ratio must be a number (from file FILE, line 1)"},
		{"text as a fraction", "web: {ratio: half}", "web.ratio must be a number, without quotes (from file FILE, line 1)"},
		{"yes as a boolean", "web: {debug: yes}", "web.debug must be true or false, without quotes (from file FILE, line 1)"},
		{"a number as a boolean", "web: {debug: 1}", "web.debug must be true or false, without quotes (from file FILE, line 1)"},
		{"a duration without a unit", "web: {timeout: 30}", `web.timeout must be a duration such as "30s" or "1h30m" (from file FILE, line 1)`},
		{"text as a list", "web: {hosts: a}", "web.hosts must be a list (from file FILE, line 1)"},
		{"a number in a list of texts", "web: {hosts: [a, 1]}", "web.hosts must be text: put it in quotes (from file FILE, line 1)"},
		{"a list in a list", "web: {hosts: [[a]]}", "web.hosts must hold single values of type text (from file FILE, line 1)"},
		{"a list that holds itself", "web: {hosts: &a [*a]}", "web.hosts must hold single values of type text (from file FILE, line 1)"},
		{"nothing in a list", "web: {ports: [1, ]}\nweb.hosts: [~]", "web.hosts must not hold an empty value (from file FILE, line 2)"},
		{"a list as a map", "web: {headers: [a]}", "web.headers must be a mapping of names to values (from file FILE, line 1)"},
		{"a name given twice in a map", "web: {headers: {A: b, A: c}}", "web.headers must not have a name twice (from file FILE, line 1)"},
		{"a list as a name in a map", "web: {headers: {[A]: b}}", "web.headers must have plain text as names (from file FILE, line 1)"},
		{"a number in a map of texts", "web: {headers: {A: 1}}", "web.headers must be text: put it in quotes (from file FILE, line 1)"},
		{"no value", "web: {addr: }", `web.addr has no value; write "" for empty text, [] for an empty list (from file FILE, line 1)`},
		{"text that the type rejects", "web: {trusted: nowhere}", `web.trusted is not acceptable: ParseAddr("nowhere"): unable to parse IP (from file FILE, line 1)`},
		{"a value that Validate rejects", "web: {timeout: -1s}", "web.timeout must not be negative (from file FILE, line 1)"},
		{"a nested value that Validate rejects", "web: {tls: {cert: x}}", "web.tls.key and tls.cert go together (from default)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.write("x.yaml", c.text)
			p.opts.File = p.path("x.yaml")
			_, err := Load(p.opts, sections())
			require.Error(t, err)
			require.Equal(t, c.want, strings.ReplaceAll(err.Error(), p.opts.File, "FILE"))
		})
	}
}

func TestWhatIsGivenOutsideOfFilesIsRejectedWithItsKeyAndPlace(t *testing.T) {
	t.Parallel()
	env := func(pairs ...string) func(*place) { return func(p *place) { p.env(pairs...) } }
	set := func(pairs ...string) func(*place) { return func(p *place) { p.opts.Set = pairs } }
	write := func(name, text string) func(*place) { return func(p *place) { p.write(name, text) } }
	for _, c := range []struct {
		name string
		give func(*place)
		want string
	}{
		{"an unknown variable", env("PLATFORM_WEB_ADR=x"), "PLATFORM_WEB_ADR is the variable of no known key; did you mean PLATFORM_WEB_ADDR? (from environment)"},
		{"an unknown variable for a file", env("PLATFORM_VAULT_KYE_FILE=x"), "PLATFORM_VAULT_KYE_FILE is the variable of no known key; did you mean PLATFORM_VAULT_KEY_FILE? (from environment)"},
		{"an unknown variable in .env", write(".env", "\nPLATFORM_WEB_ADR=x"), "PLATFORM_WEB_ADR is the variable of no known key; did you mean PLATFORM_WEB_ADDR? (from .env, line 2)"},
		{"a variable that is a section", env("PLATFORM_WEB=x"), "PLATFORM_WEB is the variable of no known key (from environment)"},
		{"a wrong type", env("PLATFORM_WEB_TIMEOUT=soon"), `web.timeout must be a duration such as "30s" or "1h30m" (from environment variable PLATFORM_WEB_TIMEOUT)`},
		{"a wrong boolean", env("PLATFORM_WEB_DEBUG=yes"), "web.debug must be true or false (from environment variable PLATFORM_WEB_DEBUG)"},
		{"an empty number", env("PLATFORM_WEB_MAX_BODY="), "web.max_body must not be empty (from environment variable PLATFORM_WEB_MAX_BODY)"},
		{"an empty list", env("PLATFORM_WEB_HOSTS="), "web.hosts must not have an empty element (number 1); write [] for an empty list (from environment variable PLATFORM_WEB_HOSTS)"},
		{"an empty element", env("PLATFORM_WEB_HOSTS=a,,b"), "web.hosts must not have an empty element (number 2); write [] for an empty list (from environment variable PLATFORM_WEB_HOSTS)"},
		{"a wrong element", env("PLATFORM_WEB_PORTS=1,x"), "web.ports must be an integer (element 2) (from environment variable PLATFORM_WEB_PORTS)"},
		{"a map without names", env("PLATFORM_WEB_HEADERS=a"), "web.headers must be of the form name=value, name=value (element 1); write {} for an empty map (from environment variable PLATFORM_WEB_HEADERS)"},
		{"a map with a name twice", env("PLATFORM_WEB_HEADERS=a=1, a=2"), "web.headers must not have a name twice (element 2) (from environment variable PLATFORM_WEB_HEADERS)"},
		{"an unknown environment", env("PLATFORM_ENVIRONMENT=prod"), "environment must be one of development, production, test (from environment variable PLATFORM_ENVIRONMENT)"},
		{"an empty environment", env("PLATFORM_ENVIRONMENT="), "environment must be one of development, production, test (from environment variable PLATFORM_ENVIRONMENT)"},
		{"the default file as environment", func(p *place) { p.opts.Environment = "default" }, "environment must be one of development, production, test (from flag --environment)"},
		{"a missing --config file", func(p *place) { p.opts.File = "/nowhere/x.yaml" }, "file /nowhere/x.yaml given with --config cannot be read: no such file or directory"},
		{"a folder as --config file", func(p *place) { p.opts.File = "/" }, "file / given with --config cannot be read: is a directory"},
		{"a missing file behind a variable", env("PLATFORM_WEB_ADDR_FILE=/nowhere/a"), "web.addr cannot be read: /nowhere/a: no such file or directory (from file named by PLATFORM_WEB_ADDR_FILE)"},
		{"a secret where its file belongs", env("PLATFORM_VAULT_KEY_FILE=s3cret"), "vault.key cannot be read: no such file or directory (from file named by PLATFORM_VAULT_KEY_FILE)"},
		{"no file behind a variable", env("PLATFORM_VAULT_KEY_FILE="), "vault.key cannot be read: no file is named (from file named by PLATFORM_VAULT_KEY_FILE)"},
		{"an endless file behind a variable", env("PLATFORM_WEB_ADDR_FILE=/dev/zero"), "web.addr cannot be read: /dev/zero: longer than 1048576 bytes (from file named by PLATFORM_WEB_ADDR_FILE)"},
		{"an unknown secret", write("config/secrets/vault.kye", "x"), "vault.kye is not a known key; did you mean vault.key? (from config/secrets/vault.kye)"},
		{"a file instead of the secrets folder", write("config/secrets", "x"), "config/secrets cannot be read: not a directory"},
		{"a folder instead of .env", write(".env/x", "x"), ".env cannot be read: is a directory"},
		{"a variable and its file", func(p *place) {
			p.write("a", "x")
			p.env("PLATFORM_WEB_ADDR=y", "PLATFORM_WEB_ADDR_FILE="+p.path("a"))
		}, "web.addr is given twice: also by file named by PLATFORM_WEB_ADDR_FILE (from environment variable PLATFORM_WEB_ADDR)"},
		{"a variable and a secret", func(p *place) {
			p.write("config/secrets/vault.key", "x")
			p.env("PLATFORM_VAULT_KEY=y")
		}, "vault.key is given twice: also by config/secrets/vault.key (from environment variable PLATFORM_VAULT_KEY)"},
		{"a variable twice in .env", write(".env", "PLATFORM_WEB_ADDR=a\nPLATFORM_WEB_ADDR=b"), ".env, line 2: PLATFORM_WEB_ADDR is already given on line 1"},
		{"no assignment in .env", write(".env", "s3cret"), ".env, line 1: is not of the form NAME=value"},
		{"an open quote in .env", write(".env", `A="s3cret`), ".env, line 1: has no closing quote"},
		{"text after a quote in .env", write(".env", `A="s3"cret`), ".env, line 1: has text after the closing quote"},
		{"bytes that are no text in .env", write(".env", "A=\xff"), ".env, line 1: is not text"},
		{"a flag without a value", set("web.addr=x", "s3cret"), "flag --set number 2 is not of the form key=value"},
		{"a flag with an unknown key", set("web.adr=x"), "web.adr is not a known key; did you mean web.addr? (from flag --set)"},
		{"a flag without a key", set("=x"), `"" is not a known key (from flag --set)`},
		{"a flag with a wrong type", set("web.small=300"), "web.small must be an integer from 0 to 255 (from flag --set)"},
		{"the environment as a setting", set("environment=test"), "environment is set with --environment (from flag --set)"},
		{"a fault in an embedded file", func(p *place) { p.embed("test.yaml", "web: {x: 1}"); p.opts.Environment = "test" }, "web.x is not a known key (from config/test.yaml (embedded), line 1)"},
		{"no embedded default", func(p *place) { delete(p.opts.Embedded.(fstest.MapFS), "default.yaml") }, "config/default.yaml (embedded) cannot be read: file does not exist"},
		{"an error that repeats a secret", env("PLATFORM_VAULT_KEY=12345"), "vault: is not acceptable"},
		{"an error that repeats a password", env("PLATFORM_VAULT_URL=ftp://u:hunter2@h"), "vault.url is not acceptable (from environment variable PLATFORM_VAULT_URL)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			c.give(p)
			_, err := Load(p.opts, sections())
			require.EqualError(t, err, c.want)
		})
	}
}

func TestAllFaultsAreReportedAtOnceOnePerLine(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("x.yaml", "web:\n  adrr: x\n  ratio: high\n  timeout: soon\n  tls: {key: k}\n")
	p.opts.File = p.path("x.yaml")
	p.write(".env", "what\nPLATFORM_VAULT_KIY=s3cret")
	p.env("PLATFORM_WEB_SMALL=x", "PLATFORM_TEST_POSTGRES_DSN=ignored", "platform_web=ignored", "HOME=/")
	p.opts.Set = []string{"web.debug=perhaps"}
	_, err := Load(p.opts, sections())
	require.Error(t, err)
	require.ElementsMatch(t, []string{
		"web.adrr is not a known key; did you mean web.addr? (from file FILE, line 2)",
		"web.ratio must be a number, without quotes (from file FILE, line 3)",
		`web.timeout must be a duration such as "30s" or "1h30m" (from file FILE, line 4)`,
		".env, line 1: is not of the form NAME=value",
		"PLATFORM_VAULT_KIY is the variable of no known key; did you mean PLATFORM_VAULT_KEY? (from .env, line 2)",
		"web.small must be an integer from 0 to 255 (from environment variable PLATFORM_WEB_SMALL)",
		"web.debug must be true or false (from flag --set)",
		"web.tls.key and tls.cert go together (from file FILE, line 5)",
	}, strings.Split(strings.ReplaceAll(err.Error(), p.opts.File, "FILE"), "\n"))
}
