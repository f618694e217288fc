package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[config.Secret]()
	urlType      = reflect.TypeFor[config.URL]()
)

func readsText(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textType)
}

// isScalar reports whether one piece of text can hold the type.
func isScalar(t reflect.Type) bool {
	if readsText(t) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return false
	}
}

func isList(t reflect.Type) bool {
	return !readsText(t) && t.Kind() == reflect.Slice && isScalar(t.Elem())
}

func isMap(t reflect.Type) bool {
	return !readsText(t) && t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && isScalar(t.Elem())
}

func isLeaf(t reflect.Type) bool { return isScalar(t) || isList(t) || isMap(t) }

func isSecret(t reflect.Type) bool {
	return t == secretType || (isList(t) || isMap(t)) && t.Elem() == secretType
}

func typeName(t reflect.Type) string {
	switch {
	case t == secretType:
		return "secret"
	case t == urlType:
		return "URL"
	case t == durationType:
		return "duration"
	case isList(t):
		return "list of " + typeName(t.Elem())
	case isMap(t):
		return "map of " + typeName(t.Elem())
	case readsText(t), t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Float32, t.Kind() == reflect.Float64:
		return "number"
	default:
		return "integer"
	}
}

// parseText reads a value as environment variables, secret files and flags spell it: lists as "a, b", maps as
// "a=1, b=2", an empty one as "[]" or "{}". Its errors never contain the text, which may be a secret.
func parseText(t reflect.Type, text string) (reflect.Value, error) {
	switch {
	case t.Kind() == reflect.String:
		return parseScalar(t, text)
	case isList(t):
		return parseList(t, text)
	case isMap(t):
		return parseMap(t, text)
	case text == "":
		return reflect.Value{}, errors.New("must not be empty")
	default:
		return parseScalar(t, text)
	}
}

func parseList(t reflect.Type, text string) (reflect.Value, error) {
	list := reflect.MakeSlice(t, 0, 0)
	if text == "[]" {
		return list, nil
	}
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			return list, fmt.Errorf("must not have an empty element (number %d); write [] for an empty list", i+1)
		}
		v, err := parseScalar(t.Elem(), part)
		if err != nil {
			return list, fmt.Errorf("%w (element %d)", err, i+1)
		}
		list = reflect.Append(list, v)
	}
	return list, nil
}

func parseMap(t reflect.Type, text string) (reflect.Value, error) {
	m := reflect.MakeMap(t)
	if text == "{}" {
		return m, nil
	}
	for i, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return m, fmt.Errorf("must be of the form name=value, name=value (element %d); write {} for an empty map", i+1)
		}
		v, err := parseScalar(t.Elem(), strings.TrimSpace(value))
		if err != nil {
			return m, fmt.Errorf("%w (element %d)", err, i+1)
		}
		at := reflect.ValueOf(name).Convert(t.Key())
		if m.MapIndex(at).IsValid() {
			return m, fmt.Errorf("must not have a name twice (element %d)", i+1)
		}
		m.SetMapIndex(at, v)
	}
	return m, nil
}

// parseScalar reads one value. The text of a TextUnmarshaler's error is the type's own.
func parseScalar(t reflect.Type, text string) (reflect.Value, error) {
	p := reflect.New(t)
	v := p.Elem()
	switch {
	case readsText(t):
		if err := p.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return v, fmt.Errorf("is not acceptable: %w", oneLine(err))
		}
	case t.Kind() == reflect.String:
		v.SetString(text)
	case t == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return v, errors.New(`must be a duration such as "30s" or "1h30m"`)
		}
		v.SetInt(int64(d))
	case t.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return v, errors.New("must be true or false")
		}
		v.SetBool(b)
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, t.Bits())
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return v, errors.New("must be a number")
		}
		v.SetFloat(f)
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, t.Bits())
		if err != nil {
			return v, fmt.Errorf("must be an integer from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
		}
		v.SetUint(n)
	default:
		n, err := strconv.ParseInt(text, 10, t.Bits())
		if err != nil {
			return v, errors.New(integerRange(t.Bits(), err))
		}
		v.SetInt(n)
	}
	return v, nil
}

func integerRange(bits int, err error) string {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Sprintf("must be an integer of at most %d bits", bits)
	}
	return "must be an integer"
}

// oneLine keeps an error on its line.
func oneLine(err error) error {
	if !strings.ContainsAny(err.Error(), "\r\n") {
		return err
	}
	return errors.New(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}
