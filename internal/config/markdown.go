package config

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/yourorg/platform/pkg/config"
)

// Table writes the documentation of every setting as a Markdown table. The meaning of a key is the comment of its
// struct field, read from the Go source below root, the folder of go.mod. A field without a comment is an error.
func Table(root string, sections []config.Section) (string, error) {
	t, err := newTable(sections)
	if err != nil {
		return "", err
	}
	keys, err := Keys(sections)
	if err != nil {
		return "", err
	}
	module, err := modulePath(root)
	if err != nil {
		return "", err
	}
	s := source{root: root, module: module, parsed: map[string]map[string]ast.Expr{}}
	var b strings.Builder
	b.WriteString("| Key | Environment variable | Type | Default | Meaning |\n|---|---|---|---|---|\n")
	var faults []error
	for _, k := range keys {
		k.Doc, err = s.doc(t.keys[k.Key])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", k.Key, k.Env, k.Type, code(k.Default), cell(k.Doc)+reloaded(k))
	}
	return b.String(), errors.Join(faults...)
}

// reloaded marks what may change while the process runs.
func reloaded(k Key) string {
	if !k.Reload {
		return ""
	}
	return " *Reloaded.*"
}

func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

// modulePath reads the module line of go.mod.
func modulePath(root string) (string, error) {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("read go.mod: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.Trim(strings.TrimSpace(path), `"`), nil
		}
	}
	return "", fmt.Errorf("%s has no module line", filepath.Join(root, "go.mod"))
}

// source finds struct declarations in the packages of one module.
type source struct {
	root, module string
	parsed       map[string]map[string]ast.Expr // folder → type name → declaration
}

// doc returns the comment of the field that declares a key.
func (s source) doc(k *key) (string, error) {
	if k.name == environmentKey {
		return "The environment, which chooses the embedded file: development, production or test. " +
			"Only PLATFORM_ENVIRONMENT and --environment set it.", nil
	}
	if k.owner == nil {
		return k.doc, nil
	}
	where := k.owner.String() + "." + strings.Join(k.path, ".")
	rest, ok := strings.CutPrefix(k.owner.PkgPath()+"/", s.module+"/")
	if !ok {
		return "", fmt.Errorf("%s: %s is declared outside %s", k.name, where, s.module)
	}
	types, err := s.types(filepath.Join(s.root, filepath.FromSlash(rest)))
	if err != nil {
		return "", err
	}
	decl := types[k.owner.Name()]
	for i, name := range k.path {
		field := fieldOf(decl, name)
		if field == nil {
			return "", fmt.Errorf("%s: %s is not in the source", k.name, where)
		}
		if i == len(k.path)-1 {
			if text := comment(field); text != "" {
				return text, nil
			}
		}
		decl = field.Type
	}
	return "", fmt.Errorf("%s: %s has no comment", k.name, where)
}

// types parses a folder once.
func (s source) types(dir string) (map[string]ast.Expr, error) {
	if types, ok := s.parsed[dir]; ok {
		return types, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	types := map[string]ast.Expr{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse a settings struct: %w", err)
		}
		for _, decl := range f.Decls {
			if group, ok := decl.(*ast.GenDecl); ok {
				collect(types, group)
			}
		}
	}
	s.parsed[dir] = types
	return types, nil
}

func collect(types map[string]ast.Expr, group *ast.GenDecl) {
	for _, spec := range group.Specs {
		if t, ok := spec.(*ast.TypeSpec); ok {
			types[t.Name.Name] = t.Type
		}
	}
}

func fieldOf(decl ast.Expr, name string) *ast.Field {
	st, ok := decl.(*ast.StructType)
	if !ok {
		return nil
	}
	for _, f := range st.Fields.List {
		for _, ident := range f.Names {
			if ident.Name == name {
				return f
			}
		}
	}
	return nil
}

func comment(f *ast.Field) string {
	if text := strings.TrimSpace(f.Doc.Text()); text != "" {
		return text
	}
	return strings.TrimSpace(f.Comment.Text())
}
