# neobot. `make help` lists what there is to do.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION := v0.12.0
GOIMPORTS_VERSION := v0.52.0

# Tools live in the tree, pinned; nothing of the machine's own is trusted to be the right version.
BIN := $(CURDIR)/.bin
GOLANGCI_LINT := $(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION)
GOFUMPT := $(BIN)/gofumpt-$(GOFUMPT_VERSION)
GOIMPORTS := $(BIN)/goimports-$(GOIMPORTS_VERSION)

PKGS ?= ./...
FUZZTIME ?= 60s
BENCHTIME ?= 2s
GOFILES = git ls-files -z --cached --others --exclude-standard '*.go'

.PHONY: help
help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Everything in one process: embedded Redis, a Neo sandbox, terminal chat and a web page. No account needed.
	@go run ./cmd/bot demo

.PHONY: build
build: ## The program, as bin/bot.
	go build -trimpath -o bin/bot ./cmd/bot

.PHONY: test
test: ## What CI runs: installs what tests need, then format, vet, lint, race tests, scenarios and the peers' checks.
	@deploy/test/setup.sh
	@$(MAKE) check
	@deploy/test/peers.sh

.PHONY: check
check: format vet lint tidy race ## Format, vet, lint, go mod tidy and race tests; installs nothing outside the tree.

.PHONY: format
format: $(GOFUMPT) $(GOIMPORTS) ## Fails on files that are not formatted; `make fmt` formats them.
	@bad="$$( { $(GOFILES) | xargs -0 $(GOFUMPT) -l; $(GOFILES) | xargs -0 $(GOIMPORTS) -local neobot -l; } | sort -u)"; \
	if [ -n "$$bad" ]; then echo "not formatted (make fmt):"; echo "$$bad"; exit 1; fi

.PHONY: fmt
fmt: $(GOFUMPT) $(GOIMPORTS) ## Formats every Go file.
	@$(GOFILES) | xargs -0 $(GOIMPORTS) -local neobot -w
	@$(GOFILES) | xargs -0 $(GOFUMPT) -w

.PHONY: vet
vet: ## go vet.
	@go vet $(PKGS)

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint, as .golangci.yml says.
	@$(GOLANGCI_LINT) run --allow-parallel-runners $(PKGS)

.PHONY: tidy
tidy: ## Fails when go.mod or go.sum are not tidy.
	@go mod tidy -diff

.PHONY: race
race: ## All Go tests with the race detector, against a real redis-server where there is one.
	@deploy/test/with-redis.sh go test -race -timeout 30m $(PKGS)

.PHONY: bench
bench: ## Benchmarks: acknowledgement, ask and approve flows; CPU, allocations and Redis round trips per flow.
	@deploy/test/with-redis.sh go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(PKGS)

.PHONY: eval
eval: ## How well questions are understood: accuracy per kind and the misses; asks a model too when OPENAI_MODEL is set.
	@go test ./intents -count=1 -v -timeout 60m -run '^TestEval$$' -eval

.PHONY: learn
learn: ## Learns the built-in router's classifiers (intents/guess.model) anew from the labelled questions.
	@go test ./intents -count=1 -v -run '^TestLearned$$' -learn

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME (60s) each.
	@deploy/test/fuzz.sh $(FUZZTIME)

.PHONY: clean
clean: ## Removes built programs and tools.
	rm -rf bin .bin .test

# A tool is built once per version; the name carries the version, so a new one is a new file.
define install_tool
@mkdir -p $(BIN)
@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && GOBIN="$$tmp" go install $(1)@$(2) && mv "$$tmp"/* $@
endef

$(GOLANGCI_LINT):
	$(call install_tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

$(GOFUMPT):
	$(call install_tool,mvdan.cc/gofumpt,$(GOFUMPT_VERSION))

$(GOIMPORTS):
	$(call install_tool,golang.org/x/tools/cmd/goimports,$(GOIMPORTS_VERSION))
