package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// anchorName is the only part of a yaml syntax error that repeats the file's text, which may be a secret.
var anchorName = regexp.MustCompile(`anchor '[^']*'`)

// yaml reads a file strictly. viper reads YAML with the same library, but drops the lines, folds the case of map keys
// and accepts any key, so the nodes are read here.
func (r *reader) yaml(data []byte, from origin) layer {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		r.broken(from, "is not valid YAML: %s", yamlReason(err))
		return nil
	}
	if err := d.Decode(&more); err == nil {
		r.broken(from, "holds more than one YAML document")
	} else if !errors.Is(err, io.EOF) {
		r.broken(from, "is not valid YAML: %s", yamlReason(err))
	}
	l := layer{}
	r.mapping(l, "", resolve(doc.Content[0]), from)
	return l
}

func yamlReason(err error) string {
	reason := strings.TrimPrefix(oneLine(err).Error(), "yaml: ")
	return anchorName.ReplaceAllString(reason, "anchor")
}

// mapping reads the keys below a prefix.
func (r *reader) mapping(l layer, prefix string, n *yaml.Node, from origin) {
	from.line = n.Line
	if n.ShortTag() == "!!null" {
		return // a section whose keys are all commented out
	}
	if n.Kind != yaml.MappingNode {
		if prefix == "" {
			r.broken(from, "must be a mapping of keys to values")
		} else {
			r.fault(prefix, from, "must be a mapping of keys to values")
		}
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		from.line = n.Content[i].Line
		if name.Kind != yaml.ScalarNode {
			r.broken(from, "must have plain text as keys")
			continue
		}
		at := strings.TrimPrefix(prefix+"."+name.Value, ".")
		if first := sameKey(n, i); first > 0 {
			r.fault(at, from, "is already given on line %d", first)
			continue
		}
		r.node(l, at, value, from)
	}
}

// sameKey returns the line of an earlier pair with the same key, or 0.
func sameKey(n *yaml.Node, i int) int {
	for j := 0; j < i; j += 2 {
		if earlier := resolve(n.Content[j]); earlier.Kind == yaml.ScalarNode && earlier.Value == resolve(n.Content[i]).Value {
			return n.Content[j].Line
		}
	}
	return 0
}

// node reads what stands at one key.
func (r *reader) node(l layer, at string, n *yaml.Node, from origin) {
	k := r.table.keys[at]
	switch {
	case at == environmentKey:
		r.fault(at, from, "cannot be set in a file that the environment chooses: use PLATFORM_ENVIRONMENT or --environment")
	case k != nil:
		if earlier, ok := l[at]; ok { // "a.b" and "b" below "a"
			r.fault(at, from, "is already given on line %d", earlier.origin.line)
			return
		}
		v, err := parseNode(k.typ, n)
		if err != nil {
			r.fault(at, from, "%s", err)
			return
		}
		l[at] = entry{value: v.Interface(), origin: from}
	case r.table.groups[at]:
		r.mapping(l, at, n, from)
	default:
		r.unknownKey(at, from)
	}
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// parseNode reads a value. Unlike parseText it sees the type that the file gives the value.
func parseNode(t reflect.Type, n *yaml.Node) (reflect.Value, error) {
	switch {
	case n.ShortTag() == "!!null":
		return reflect.Value{}, errors.New(`has no value; write "" for empty text, [] for an empty list`)
	case isList(t):
		return parseSequence(t, n)
	case isMap(t):
		return parseMapping(t, n)
	case n.Kind != yaml.ScalarNode:
		return reflect.Value{}, errors.New("must be a single value of type " + typeName(t))
	}
	return parseTagged(t, n)
}

func parseSequence(t reflect.Type, n *yaml.Node) (reflect.Value, error) {
	if n.Kind != yaml.SequenceNode {
		return reflect.Value{}, errors.New("must be a list")
	}
	list := reflect.MakeSlice(t, 0, len(n.Content))
	for _, e := range n.Content {
		v, err := parseTagged(t.Elem(), resolve(e))
		if err != nil {
			return v, err
		}
		list = reflect.Append(list, v)
	}
	return list, nil
}

func parseMapping(t reflect.Type, n *yaml.Node) (reflect.Value, error) {
	if n.Kind != yaml.MappingNode {
		return reflect.Value{}, errors.New("must be a mapping of names to values")
	}
	m := reflect.MakeMapWithSize(t, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := resolve(n.Content[i])
		if name.Kind != yaml.ScalarNode {
			return m, errors.New("must have plain text as names")
		}
		if sameKey(n, i) > 0 {
			return m, errors.New("must not have a name twice")
		}
		v, err := parseTagged(t.Elem(), resolve(n.Content[i+1]))
		if err != nil {
			return m, err
		}
		m.SetMapIndex(reflect.ValueOf(name.Value).Convert(t.Key()), v)
	}
	return m, nil
}

// parseTagged reads a scalar whose YAML type must fit: 8080 is no text, "8080" is no integer.
func parseTagged(t reflect.Type, n *yaml.Node) (reflect.Value, error) {
	if n.Kind != yaml.ScalarNode {
		return reflect.Value{}, errors.New("must hold single values of type " + typeName(t))
	}
	tag, text := n.ShortTag(), n.Value
	switch {
	case tag == "!!null":
		return reflect.Value{}, errors.New("must not hold an empty value")
	case readsText(t), t == durationType:
	case t.Kind() == reflect.String:
		if tag != "!!str" {
			return reflect.Value{}, errors.New("must be text: put it in quotes")
		}
	case t.Kind() == reflect.Bool:
		if tag != "!!bool" {
			return reflect.Value{}, errors.New("must be true or false, without quotes")
		}
		text = strings.ToLower(text)
	case tag == "!!str":
		return reflect.Value{}, errors.New("must be " + article(t) + ", without quotes")
	case tag == "!!int":
		text = plainInteger(n)
	}
	return parseScalar(t, text)
}

func article(t reflect.Type) string {
	if t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 {
		return "a number"
	}
	return "an integer"
}

// plainInteger writes 0x1F and 1_000 as the digits that parseScalar reads.
func plainInteger(n *yaml.Node) string {
	var signed int64
	if n.Decode(&signed) == nil {
		return strconv.FormatInt(signed, 10)
	}
	var unsigned uint64
	if n.Decode(&unsigned) == nil {
		return strconv.FormatUint(unsigned, 10)
	}
	return n.Value
}
