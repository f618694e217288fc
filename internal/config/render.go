package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// render shows a value to people. Secrets and passwords mask themselves.
func render(value any) string {
	v := reflect.ValueOf(value)
	switch {
	case isList(v.Type()):
		parts := make([]string, 0, v.Len())
		for _, e := range v.Seq2() {
			parts = append(parts, render(e.Interface()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case isMap(v.Type()):
		parts := make([]string, 0, v.Len())
		for name, e := range v.Seq2() {
			parts = append(parts, name.String()+"="+render(e.Interface()))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	}
	switch x := value.(type) {
	case time.Duration:
		return shortDuration(x)
	case encoding.TextMarshaler:
		if text, err := x.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(value)
}

// shortDuration writes "1h" for what Go prints as "1h0m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// clone copies a list or a map, so that no caller can change the snapshot.
func clone(value any) any {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.Slice && !v.IsNil():
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		return c.Interface()
	case v.Kind() == reflect.Map && !v.IsNil():
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for name, e := range v.Seq2() {
			c.SetMapIndex(name, e)
		}
		return c.Interface()
	default:
		return value
	}
}
