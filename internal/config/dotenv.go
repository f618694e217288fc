package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

const dotenvName = ".env"

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// dotenv reads the .env file of a folder, if there is one.
func (r *reader) dotenv(dir string) layer {
	name := filepath.Join(dir, dotenvName)
	r.looked = append(r.looked, name)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		r.broken(origin{source: dotenvName}, "cannot be read: %s", withoutPath(err))
		return nil
	}
	vars, faults := parseDotenv(string(data))
	r.faults = append(r.faults, faults...)
	return r.layer(r.variables(vars, dir))
}

// parseDotenv reads lines of NAME=value, as Docker Compose does but without references to other variables: a
// password may hold a dollar sign. Values may stand in quotes; within double quotes \n \r \t \" and \\ are
// replaced. A # begins a comment at the start of a line and after a space. Faults show the line's number only,
// because the line may hold a secret.
func parseDotenv(text string) (vars []variable, faults []error) {
	first := map[string]int{}
	text = strings.TrimPrefix(text, "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		from := origin{source: dotenvName, line: i + 1}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, err := parseLine(line)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", from, err))
			continue
		}
		if earlier := first[name]; earlier > 0 && strings.HasPrefix(name, envPrefix) {
			faults = append(faults, fmt.Errorf("%s: %s is already given on line %d", from, name, earlier))
			continue
		}
		first[name] = i + 1
		vars = append(vars, variable{name, value, from})
	}
	return vars, faults
}

func parseLine(line string) (name, value string, err error) {
	if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		return "", "", errors.New("is not text")
	}
	name, value, ok := strings.Cut(line, "=")
	if rest, exported := strings.CutPrefix(name, "export "); exported {
		name = rest
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || !variableName.MatchString(name) {
		return "", "", errors.New("is not of the form NAME=value")
	}
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		value, err = unquote(value)
		return name, value, err
	}
	if strings.HasPrefix(value, "#") {
		return name, "", nil
	}
	for i := range len(value) {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			return name, strings.TrimSpace(value[:i]), nil
		}
	}
	return name, value, nil
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '$': '$'}

// unquote reads a quoted value, after which only a comment may follow.
func unquote(text string) (string, error) {
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			rest := strings.TrimSpace(text[i+1:])
			if rest != "" && !strings.HasPrefix(rest, "#") {
				return "", errors.New("has text after the closing quote")
			}
			return b.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(text) && escapes[text[i+1]] != 0:
			i++
			b.WriteByte(escapes[text[i]])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("has no closing quote")
}
