// Package config holds the settings that are built into the binary: default.yaml and one file per environment.
package config

import "embed"

// Files are the embedded settings. The secrets folder is left out on purpose: only *.yaml is embedded.
//
//go:embed *.yaml
var Files embed.FS
