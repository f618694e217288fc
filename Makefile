# The commands of this repository. "make" alone lists them. GNU make, Go and a POSIX shell are all they need.

MODULE  := github.com/yourorg/platform
GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
IMAGE   ?= platform

# What the binary says about itself. A build without git, such as the image's, is given these.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)
COMMIT  ?= $(or $(shell git rev-parse --verify --quiet HEAD 2>/dev/null),unknown)
BUILT   ?= $(shell date -u +%Y-%m-%dT%H:%M:%SZ)
LDFLAGS  = -s -w \
	-X $(MODULE)/internal/version.Version=$(VERSION) \
	-X $(MODULE)/internal/version.Commit=$(COMMIT) \
	-X $(MODULE)/internal/version.Built=$(BUILT)

# gin's MessagePack, which nothing here speaks, is a tenth of the binary.
TAGS    ?= nomsgpack

# The race detector needs cgo, and Go turns cgo off where there is no C compiler.
RACE    ?= $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

PLATFORM_TEST_POSTGRES_DSN ?= postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable

# Leaves out the packages that are generated as a whole.
HANDWRITTEN = awk '/\/ent\/schema$$/ || !(/\/ent(\/|$$)/ || /\/internal\/api$$/ || /\/api\/client$$/)'

# Leaves out the tests that read the sources: they take a minute, and neither a database nor the race detector changes them.
RUNNING = grep -v '/internal/arch$$'

# What does something else on Postgres than on SQLite, apart from its SQL: there, too, under the race detector.
SPECIAL = /internal/(infra/(database|river)|lease|outbox|bus|jobs|changes|notify)$$

ON_POSTGRES = PLATFORM_TEST_DATABASE=postgres PLATFORM_TEST_POSTGRES_DSN='$(PLATFORM_TEST_POSTGRES_DSN)'

# Every file that "make generate" may write, with its checksum.
SNAPSHOT = find . \( -path ./.git -o -path ./bin -o -path ./data \) -prune -o -type f \
	\( -name '*.go' -o -name '*.yaml' -o -name '*.json' -o -name '*.md' \) -exec cksum {} + | LC_ALL=C sort -k3

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run build test test-integration soak generate bench image clean \
	check check-generate check-format check-vet check-lint check-tidy check-arch vuln

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and start the platform: SQLite under ./data, one process
	./bin/platform all

build: ## bin/platform and bin/platformctl: static, trimmed
	CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/ ./cmd/platform ./cmd/platformctl

test: ## all tests that need no server, but those of "make check-arch"
	@$(if $(RACE),,echo 'No C compiler: the race detector stays off.')
	$(GO) test $(RACE) -timeout 15m $$($(GO) list ./... | $(RUNNING))

test-integration: ## the same suites on the Postgres at PLATFORM_TEST_POSTGRES_DSN (default: localhost)
	$(ON_POSTGRES) $(GO) test $(RACE) -count=1 -timeout 20m $$($(GO) list ./internal/... | grep -E '$(SPECIAL)')
	$(ON_POSTGRES) $(GO) test -count=1 -timeout 20m $$($(GO) list ./internal/... ./modules/... ./cmd/... | $(RUNNING) | grep -Ev '$(SPECIAL)')

soak: ## the long loops: kill -9 under load, servers that go away; PLATFORM_TEST_DATABASE=postgres for Postgres
	$(GO) test -tags soak -run Soak -count=1 -timeout 90m -v ./cmd/... ./internal/outbox/... ./internal/jobs/... ./internal/httpserver/...

generate: ## everything that is generated: clients, servers, permissions, the bundle, reference pages
	$(GO) run ./internal/codegen/run
	$(GO) run ./cmd/platformctl generate docs

check: check-generate check-format check-vet check-lint check-tidy check-arch ## the gate: what must hold before a commit
	@echo 'check: all good'

check-generate: # compares checksums instead of asking git, so that it works in a tree with changes of yours
	@before=$$(mktemp) && after=$$(mktemp) && trap 'rm -f "$$before" "$$after"' EXIT && \
	$(SNAPSHOT) > "$$before" && $(MAKE) --no-print-directory generate && $(SNAPSHOT) > "$$after" && \
	if ! diff "$$before" "$$after"; then \
		echo 'check: the files above were not what "make generate" makes; they are now' >&2; exit 1; \
	fi

check-format: # gofumpt leaves generated files alone
	@unformatted=$$($(TOOL) gofumpt -l .) && if [ -n "$$unformatted" ]; then \
		printf '%s\n' "$$unformatted" 'check: run "$(TOOL) gofumpt -w ." on the files above' >&2; exit 1; \
	fi

check-vet:
	$(GO) vet ./...

check-lint:
	@packages=$$($(GO) list ./...) && packages=$$(printf '%s\n' "$$packages" | $(HANDWRITTEN)) && \
	echo '$(TOOL) staticcheck (hand-written packages)' && $(TOOL) staticcheck $$packages

check-tidy:
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff

check-arch:
	$(GO) test ./internal/arch/...

vuln: ## look for known vulnerabilities (needs the network)
	$(TOOL) govulncheck ./...

bench: ## print the table of speeds and sizes
	$(GO) run ./perf/bench

image: ## build the container image
	docker build --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg BUILT='$(BUILT)' \
		-t '$(IMAGE):$(VERSION)' -t '$(IMAGE):latest' .

clean: ## remove what was built; ./data stays
	rm -rf bin cover.out
