package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Source is a contract and the module it belongs to.
type Source struct {
	Module   string
	Contract *Contract
}

// Info heads the bundle.
type Info struct{ Title, Version, Description string }

// Bundle makes one document of several contracts. Schemas, parameters and responses of a module get its name as a
// prefix; the shared ones stay shared; extensions are kept; every operation gets its module as tag and Problem as its
// default response. Two modules with one operation id or one path are an error. The parts are valid, so what is made of
// them is not checked again at every start: Load does that.
func Bundle(info Info, sources ...Source) (map[string]any, error) {
	sources = slices.SortedFunc(slices.Values(sources), func(a, b Source) int { return strings.Compare(a.Module, b.Module) })
	var common map[string]any
	if err := decode(shared, &common); err != nil {
		return nil, err
	}
	paths, components := map[string]any{}, common["components"].(map[string]any)
	ids, tags := map[string]string{}, []any{}
	for _, s := range sources {
		prefixed := prefixer(s.Module, common["components"].(map[string]any))
		for path, item := range s.Contract.source["paths"].(map[string]any) {
			if _, taken := paths[path]; taken {
				return nil, fmt.Errorf("path %s is declared by %s and by another module", path, s.Module)
			}
			paths[path] = rewrite(item, prefixed)
		}
		for _, op := range s.Contract.Operations {
			if other, taken := ids[op.ID]; taken {
				return nil, fmt.Errorf("operation %s is declared by %s and %s", op.ID, other, s.Module)
			}
			ids[op.ID] = s.Module
			decorate(paths[op.Path].(map[string]any)[strings.ToLower(op.Method)].(map[string]any), s.Module, op)
		}
		adopt(components, s.Contract.source["components"].(map[string]any), prefixed)
		tag := map[string]any{"name": s.Module}
		if description := s.Contract.Doc.Info.Description; description != "" {
			tag["description"] = description
		}
		tags = append(tags, tag)
	}
	return map[string]any{
		"openapi":    "3.0.3",
		"info":       map[string]any{"title": info.Title, "version": info.Version, "description": info.Description},
		"tags":       tags,
		"security":   []any{map[string]any{"bearer": []any{}}},
		"paths":      paths,
		"components": components,
	}, nil
}

// prefixer names a component of a module in the bundle: "#/components/schemas/Post" becomes "…/BlogPost".
func prefixer(module string, common map[string]any) func(section, name string) string {
	owned := map[string]bool{}
	for section, entries := range common {
		for name := range entries.(map[string]any) {
			owned[section+"/"+name] = true
		}
	}
	prefix := strings.ToUpper(module[:1]) + module[1:]
	return func(section, name string) string {
		if owned[section+"/"+name] {
			return name
		}
		return prefix + name
	}
}

func adopt(into, from map[string]any, prefixed func(section, name string) string) {
	for section, entries := range from {
		target, _ := into[section].(map[string]any)
		if target == nil {
			target = map[string]any{}
			into[section] = target
		}
		for name, value := range entries.(map[string]any) {
			if key := prefixed(section, name); key != name {
				target[key] = rewrite(value, prefixed)
			}
		}
	}
}

// rewrite copies a tree and renames its references.
func rewrite(node any, prefixed func(section, name string) string) any {
	switch n := node.(type) {
	case map[string]any:
		out := make(map[string]any, len(n))
		for key, value := range n {
			ref, isRef := value.(string)
			if parts := strings.Split(ref, "/"); key == "$ref" && isRef && len(parts) == 4 {
				out[key] = strings.Join([]string{"#", "components", parts[2], prefixed(parts[2], parts[3])}, "/")
				continue
			}
			out[key] = rewrite(value, prefixed)
		}
		return out
	case []any:
		out := make([]any, len(n))
		for i, value := range n {
			out[i] = rewrite(value, prefixed)
		}
		return out
	default:
		return node
	}
}

func decorate(op map[string]any, module string, o Operation) {
	if _, ok := op["tags"]; !ok {
		op["tags"] = []any{module}
	}
	responses := maps.Clone(op["responses"].(map[string]any))
	if _, ok := responses["default"]; !ok {
		responses["default"] = map[string]any{"$ref": "#/components/responses/Problem"}
	}
	if !o.Unlimited {
		pledge(responses)
	}
	op["responses"] = responses
	if o.Idempotent() {
		declare(op, idempotencyKey)
	}
	if o.tagged() {
		declare(op, ifNoneMatch)
		responses["304"] = notModified
	}
	if _, ok := op["security"]; !ok && o.Keys != NoKeys {
		op["security"] = []any{map[string]any{"bearer": []any{}}, map[string]any{"api_key": []any{}}}
	}
}
