// Package module is the contract between the platform and its feature modules.
package module

import (
	"context"
	"io/fs"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/web"
)

// IModule is one feature: a folder under modules/, named and wired as a unit.
type IModule interface {
	// Name is unique and lower case. It prefixes the module's tables, routes, permissions, topics and job kinds,
	// and names its config section.
	Name() string

	// Manifest is the module's module.yaml.
	Manifest() []byte

	// Init provides what the module contributes. It starts nothing.
	Init() fx.Option

	// Migrations holds versioned SQL in one folder per dialect, "sqlite" and "postgres"; nil when the module
	// has no tables.
	Migrations() fs.FS
}

// API is one contract and the code that serves it. Every operation of the contract must be mounted, and nothing else.
type API struct {
	Contract []byte // OpenAPI 3.0.3, YAML
	Mount    Mount
}

// Mount registers the routes of a contract. The generated function of the same name in a module's internal/api
// makes one. The platform wraps every operation with around and hands every error to fail.
type Mount func(r gin.IRouter, around Around, fail func(*gin.Context, error))

// Handler is an operation that has read its request and returns its response, not yet written.
type Handler = func(c *gin.Context, request any) (response any, err error)

// Around wraps an operation, for example in a transaction that commits before the response is written.
type Around func(operationID string, next Handler) Handler

// Site is a front end and where it is served.
type Site struct {
	Prefix string
	Site   *web.Site
}

// MigrationSet is one owner's versioned SQL.
type MigrationSet struct {
	Owner string // the module, or the core package
	Files fs.FS  // "sqlite/0001_x.sql" and "postgres/0001_x.sql"
}

// Seeder puts in place what must exist before the first request. It runs after the migrations and before the
// listener opens, at every start and on every replica, so it must be idempotent.
type Seeder interface {
	// Seed returns lines for the operator's eyes only, shown once; usually none.
	Seed(ctx context.Context) (notice []string, err error)
}

// Housekeeper removes what has expired. It is called from time to time, on every worker.
type Housekeeper interface {
	// Name is unique, such as "identity.sessions".
	Name() string

	// Tidy returns how many rows it removed.
	Tidy(ctx context.Context) (int, error)
}

// Sub is the folder dir of an embedded file system. It panics when there is none, which a build with go:embed rules out.
func Sub(files fs.FS, dir string) fs.FS {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		panic(err)
	}
	return sub
}
