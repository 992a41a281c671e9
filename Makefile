# hotcell's commands. `make help` lists them; `make run` and `make test` are all that a fresh machine needs.
#
# Works with GNU Make 3.81, which is what macOS has. Every target that builds something ends by writing a stamp, so
# that a second call costs nothing and an interrupted one starts over.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))

# PYTHON=/path/to/python3 chooses the interpreter that the environments are made of; else setup/python.sh finds one.
export PYTHON
# Not empty: tests that try the strongest boundary try them all.
export HOTCELL_TEST_ALL
# ARGS is handed on: make run ARGS='--listen 127.0.0.1:8080', make bench ARGS='...'.
ARGS ?=
# What is tested, and how: make test PACKAGES=./stream/ TESTFLAGS='-run Replay -v'.
PACKAGES ?= ./...
# Packages that look at latencies and memory have the machine to themselves, one after the other.
ALONE := e2e/chaos
# So do these, without the race detector: their server is the real program, but for a few of their tests, and that is
# built without it, so that it would look at the clients, and take up to half of the time that they have for others.
PLAIN := e2e/faults e2e/load e2e/hostile
TESTFLAGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)

# The newest release that builds with Go 1.25.
GOLANGCI_VERSION := v2.12.2
GOLANGCI := .setup/bin/golangci-lint-$(GOLANGCI_VERSION)
# Of this clone alone: what it remembers of another one it reports under that one's paths, to which no rule applies.
export GOLANGCI_LINT_CACHE = $(ROOT)/.setup/lint-cache
UV_VERSION := 0.13.9

NPM_BIN := e2e/node_modules/.bin
TEST_BIN := .venv-test/bin

# Where the tests and the benchmark find what setup made, whatever directory they run in. Without GORACE each test
# binary sleeps for a second at its end, so that goroutines that are left may race: the tests have joined theirs.
TEST_ENV = GORACE=atexit_sleep_ms=0 \
	HOTCELL_PYTHON='$(ROOT)/.venv/bin/python' \
	HOTCELL_TEST_PYTHON='$(ROOT)/.venv-test/bin/python' \
	HOTCELL_OLDEST_PYTHON='$(ROOT)/.venv-oldest/bin/python' \
	HOTCELL_E2E_NODE_MODULES='$(ROOT)/e2e/node_modules'

PYTHON_SOURCES = $(shell git ls-files --cached --others --exclude-standard -- '*.py' 2>/dev/null)
DRIVER_PACKAGES = $(wildcard runtimes/python/driver)
NODE_TESTS = $(shell find runtimes e2e web -name node_modules -prune -o \
	\( -name '*_test.mjs' -o -name '*_test.js' -o -name '*.test.mjs' -o -name '*.test.js' \) -print 2>/dev/null)

.PHONY: help setup run test test-go test-node check lint lint-go lint-python lint-js lint-repo fmt bench build lock clean FORCE

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- setting up ------------------------------------------------------------------------------------------------------

setup: .setup/modules .venv/.ready .venv-test/.ready .venv-oldest/.ready e2e/node_modules/.ready ## prepare this clone: Go modules, Python and npm packages, all pinned
	@:

.setup/doctor: setup/doctor.sh setup/bubblewrap.sh setup/python.sh setup/common.sh go.mod
	@mkdir -p .setup
	@setup/bubblewrap.sh
	@setup/doctor.sh
	@touch $@

.setup/modules: go.sum | .setup/doctor
	@echo 'setup: Go modules'
	@go mod download
	@touch $@

# Another PYTHON than an environment was made for makes it anew, and so does a link to a Python that is gone.
define again_if_changed
ifeq ($$(wildcard $(1)/bin/python),)
$(1)/.ready: FORCE
else ifneq ($$(PYTHON),)
ifneq ($$(PYTHON),$$(shell cat $(1)/.ready 2>/dev/null))
$(1)/.ready: FORCE
endif
endif
endef
$(eval $(call again_if_changed,.venv))
$(eval $(call again_if_changed,.venv-test))
$(eval $(call again_if_changed,.venv-oldest))

.venv/.ready: setup/python/runtime.txt setup/venv.sh | .setup/doctor
	@setup/venv.sh .venv setup/python/runtime.txt

.venv-test/.ready: setup/python/test.txt setup/venv.sh | .setup/doctor
	@setup/venv.sh .venv-test setup/python/test.txt

.venv-oldest/.ready: setup/python/oldest.txt setup/venv.sh | .setup/doctor
	@setup/venv.sh .venv-oldest setup/python/oldest.txt

e2e/node_modules/.ready: e2e/package.json e2e/package-lock.json setup/npm.sh | .setup/doctor
	@setup/npm.sh

$(GOLANGCI): | .setup/doctor
	@echo 'setup: golangci-lint $(GOLANGCI_VERSION), compiled here (about a minute, once)'
	@rm -rf .setup/bin
	@GOBIN='$(ROOT)/.setup/bin/new' GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .setup/bin/new/golangci-lint $@

# --- using -----------------------------------------------------------------------------------------------------------

build: | .setup/doctor ## compile bin/hotcell, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/hotcell .

run: setup build ## set everything up and serve; ARGS='--listen HOST:PORT ...' is handed on
	bin/hotcell serve --python '$(ROOT)/.venv/bin/python' $(ARGS)

bench: setup build ## measure, beside ipykernel in the same run; ARGS is handed on
	$(TEST_ENV) go run ./bench $(ARGS)

# --- checking --------------------------------------------------------------------------------------------------------

test: test-go test-node ## set everything up and run every test

# The race detector needs a C compiler. Without one the tests still run, and say so.
test-go: setup
	@race=-race; if [ "$$(go env CGO_ENABLED)" != 1 ]; then race=; echo 'test: no C compiler found, so without the race detector'; fi; \
	all='$(PACKAGES)'; alone=; plain=; \
	if [ "$$all" = ./... ]; then all=$$(go list ./... | grep -vxF $(patsubst %,-e hotcell/%,$(ALONE) $(PLAIN))); alone='$(ALONE:%=./%)'; plain='$(PLAIN:%=./%)'; fi; \
	status=0; export $(TEST_ENV); \
	go test $$race -count=1 -timeout 20m $$all $(TESTFLAGS) || status=$$?; \
	if [ -n "$$alone" ]; then \
		go test $$race -p 1 -count=1 -timeout 20m $$alone $(TESTFLAGS) || status=$$?; \
		go test -p 1 -count=1 -timeout 20m $$plain $(TESTFLAGS) || status=$$?; \
	fi; \
	exit $$status

test-node: setup
	@if [ -n '$(NODE_TESTS)' ]; then set -x; node --test $(NODE_TESTS); fi

check: lint test ## what CI runs: every linter, then every test
	@echo 'check: everything passed'

lint: lint-go lint-python lint-js lint-repo ## look for faults, and for what `make fmt` would change

lint-go: $(GOLANGCI) .setup/modules
	$(GOLANGCI) run ./...
	@GOOS=darwin CGO_ENABLED=0 go vet ./...

lint-python: .venv-test/.ready
	$(TEST_BIN)/ruff check --quiet $(PYTHON_SOURCES)
	$(TEST_BIN)/ruff format --quiet --diff $(PYTHON_SOURCES)
	@for package in $(DRIVER_PACKAGES); do set -x; $(TEST_BIN)/mypy $$package; done

lint-js: e2e/node_modules/.ready
	$(NPM_BIN)/biome check --error-on-warnings --no-errors-on-unmatched
	@if [ -n "$$(find runtimes/node/driver -name '*.mjs' -o -name '*.js' 2>/dev/null | head -n 1)" ]; then \
	set -x; $(NPM_BIN)/tsc --project tsconfig.json; fi

lint-repo: .venv-test/.ready
	$(TEST_BIN)/python setup/repo.py

fmt: $(GOLANGCI) .setup/modules .venv-test/.ready e2e/node_modules/.ready ## format everything
	$(GOLANGCI) fmt
	$(TEST_BIN)/ruff check --quiet --fix $(PYTHON_SOURCES)
	$(TEST_BIN)/ruff format --quiet $(PYTHON_SOURCES)
	$(NPM_BIN)/biome check --write --no-errors-on-unmatched

# --- keeping ---------------------------------------------------------------------------------------------------------

# Resolved for CPython 3.10 and everything after it, on all platforms, with markers. No file names the host it came from.
lock: | .setup/doctor ## pin the newest versions of what the .in files and e2e/package.json ask for
	@rm -rf .setup/uv && "$$(setup/python.sh)" -m venv .setup/uv
	@.setup/uv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: uv==$(UV_VERSION)
	@cd setup/python && for name in runtime test oldest; do ../../.setup/uv/bin/uv pip compile --quiet --upgrade --universal \
		--python-version 3.10 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' \
		$$name.in --output-file $$name.txt; done
	@cd e2e && npm update --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund --loglevel=error

clean: ## remove everything that was built or downloaded into this clone
	rm -rf bin .setup .venv .venv-test .venv-oldest e2e/node_modules .mypy_cache .ruff_cache
