package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.yaml.in/yaml/v3"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
)

// described is what the commands print of a module.
type described struct {
	Name         string            `json:"name" yaml:"name"`
	Version      string            `json:"version" yaml:"version"`
	Kind         string            `json:"kind" yaml:"kind"`
	Enabled      bool              `json:"enabled" yaml:"enabled"`
	Description  string            `json:"description" yaml:"description"`
	Dependencies []string          `json:"dependencies" yaml:"dependencies"`
	Permissions  []perm.Definition `json:"permissions" yaml:"permissions"`
	Routes       []route           `json:"routes" yaml:"routes"`
}

type route struct {
	Method      string `json:"method" yaml:"method"`
	Path        string `json:"path" yaml:"path"`
	Access      string `json:"access" yaml:"access"`                               // a permission, "authenticated" or "public"
	Entitlement string `json:"entitlement,omitempty" yaml:"entitlement,omitempty"` // what the tenant's plan has to grant
}

func modulesCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the modules of this build", Args: cobra.NoArgs, Example: "  platformctl modules list\n  platformctl modules list -o json",
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			all, err := describe(cmd)
			if err != nil {
				return err
			}
			return print(cmd, all, func(w io.Writer) {
				fmt.Fprintln(w, "NAME\tVERSION\tKIND\tENABLED\tPERMISSIONS\tROUTES")
				for _, m := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%t\t%d\t%d\n", m.Name, m.Version, m.Kind, m.Enabled, len(m.Permissions), len(m.Routes))
				}
			})
		}),
	}
	show := &cobra.Command{
		Use: "show NAME", Short: "Show one module with its permissions and routes", Args: cobra.ExactArgs(1), Example: "  platformctl modules show blog\n  platformctl modules show blog -o yaml",
		RunE: cli.Run(func(cmd *cobra.Command, args []string) error {
			all, err := describe(cmd)
			if err != nil {
				return err
			}
			at := slices.IndexFunc(all, func(m described) bool { return m.Name == args[0] })
			if at < 0 {
				return fmt.Errorf("there is no module %q; see platformctl modules list", args[0])
			}
			return print(cmd, all[at], func(w io.Writer) { text(w, all[at]) })
		}),
	}
	for _, c := range []*cobra.Command{list, show} {
		c.Flags().StringP("output", "o", "text", "text, json or yaml")
		c.PreRunE = func(cmd *cobra.Command, _ []string) error {
			if format, _ := cmd.Flags().GetString("output"); !slices.Contains([]string{"text", "json", "yaml"}, format) {
				return fmt.Errorf("-o %s: text, json and yaml are known", format)
			}
			return nil
		}
	}
	return cli.Group("modules", "Look at the modules of this build", "  platformctl modules list", list, show)
}

// describe reads the manifests and, for what is enabled, the contracts. Nothing is started.
func describe(cmd *cobra.Command) ([]described, error) {
	loaded, err := cli.Load(cmd)
	if err != nil {
		return nil, err
	}
	var apis module.APIs
	var placed module.PlacedMiddleware
	a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger, fx.Populate(&apis, &placed))
	if err := a.Err(); err != nil {
		return nil, dig.RootCause(err)
	}
	routes, err := httpserver.Routes(loaded.Catalog, placed.All, apis.All...)
	if err != nil {
		return nil, err
	}
	var all []described
	for _, m := range loaded.Catalog.Manifests() {
		all = append(all, toDescribed(m, true, routes))
	}
	for _, m := range modules.All() {
		if !slices.ContainsFunc(all, func(d described) bool { return d.Name == m.Name() }) {
			manifest, err := module.ParseManifest(m.Manifest())
			if err != nil {
				return nil, err
			}
			all = append(all, toDescribed(manifest, false, nil))
		}
	}
	return all, nil
}

func toDescribed(m module.Manifest, enabled bool, routes []httpserver.Route) described {
	d := described{
		Name: m.Name, Version: m.Version, Kind: m.Kind, Enabled: enabled, Description: m.Description,
		Dependencies: []string{}, Permissions: m.Permissions, Routes: []route{},
	}
	for _, dep := range m.Dependencies {
		d.Dependencies = append(d.Dependencies, dep.String())
	}
	if d.Permissions == nil {
		d.Permissions = []perm.Definition{}
	}
	for _, r := range routes {
		if r.Module == m.Name {
			d.Routes = append(d.Routes, route{Method: r.Method, Path: r.Path, Access: access(r.Operation), Entitlement: string(r.Entitlement)})
		}
	}
	return d
}

func access(op contract.Operation) string {
	switch op.Access {
	case contract.Permitted:
		return string(op.Permission)
	case contract.Authenticated:
		return "authenticated"
	case contract.Public:
		return "public"
	}
	return "denied"
}

func text(w io.Writer, m described) {
	fmt.Fprintf(w, "name:\t%s\nversion:\t%s\nkind:\t%s\nenabled:\t%t\ndescription:\t%s\ndepends on:\t%s\n", m.Name, m.Version, m.Kind, m.Enabled, m.Description, strings.Join(m.Dependencies, ", "))
	fmt.Fprintln(w, "\nPERMISSION\tDEFAULT ROLES\tDESCRIPTION")
	for _, p := range m.Permissions {
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, strings.Join(holders(p), " "), p.Description)
	}
	fmt.Fprintln(w, "\nMETHOD\tPATH\tACCESS")
	for _, r := range m.Routes {
		if r.Entitlement != "" {
			r.Access += " + " + r.Entitlement
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Method, r.Path, r.Access)
	}
}

// holders are the roles, each with its condition in parentheses.
func holders(p perm.Definition) []string {
	all := slices.Clone(p.Roles)
	for _, h := range p.Conditional {
		all = append(all, h.Role+"("+h.When+")")
	}
	return all
}

func print(cmd *cobra.Command, value any, table func(io.Writer)) error {
	format, err := cmd.Flags().GetString("output")
	if err != nil {
		return err
	}
	switch format {
	case "json":
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(value)
	case "yaml":
		e := yaml.NewEncoder(cmd.OutOrStdout())
		e.SetIndent(2)
		return e.Encode(value)
	default:
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		table(w)
		return w.Flush()
	}
}
