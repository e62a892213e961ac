# Each chore is one command; `make help` lists them.
SHELL     := /bin/bash
GO        ?= go
FUZZTIME  ?= 20000x
PACKAGES  ?= ./...
# make sim SEED=42 runs one seed and shows its story; without it, SEEDS of them.
SEED      ?=
SEEDS     ?= 10000
# Flags of the throughput benchmark, for example: make bench BENCHFLAGS="-pairs 7"; BARS picks some of the others, and
# BARFLAGS are theirs: make bench BARS=growth BARFLAGS="-n 1000000".
BENCHFLAGS ?=
BARS       ?= memory collector scale growth stops fragmentation
BARFLAGS   ?=

.DEFAULT_GOAL := help
.PHONY: help build pair node-a node-b node-w test race lint tidy fuzz sim bench conf redis clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## put tandem-server and tandem into ./bin
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -o bin/ ./cmd/tandem-server ./cmd/tandem

pair: build ## start a master, a standby and a witness on loopback and follow them; Ctrl-C stops all
	@exec ./bin/tandem pair

node-a node-b node-w: node-%: build ## run one of them alone in the foreground
	@mkdir -p run/$*
	@exec ./bin/tandem-server deploy/loopback/$*.conf --pidfile "$(CURDIR)/run/$*/tandem.pid"

test: redis lint ## everything that must hold before a commit
	$(GO) test -timeout 14m $(PACKAGES)

# Without goroutines (held by integration/architecture_test.go) there is nothing to race: their long model tests run in `test`.
PURE := keyspace|integration/simulation

race: redis ## the tests under the race detector (needs a C compiler)
	@.ci/install gcc gcc
	CGO_ENABLED=1 $(GO) test -race -short -timeout 20m $$($(GO) list $(PACKAGES) | grep -vE '/($(PURE))$$')

lint: ## formatting, go vet, the import table and the house rules
	@unformatted="$$(gofmt -l .)"; \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet $(PACKAGES)
	$(GO) test ./integration

tidy: ## sort go.mod, format the code, bring tandem.conf up to date
	$(GO) mod tidy
	gofmt -w .
	$(MAKE) conf

conf: ## write tandem.conf from the rows of the directives
	$(GO) test . -run TestTandemConf -count=1 -args -update

fuzz: ## run every fuzz target for FUZZTIME
	@set -e; grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | \
	sed -E 's|^\./(.*)/[^/]+:func (Fuzz[A-Za-z0-9_]+).*|\1 \2|' | sort -u | \
	while read -r folder target; do \
		echo "== $$folder $$target"; \
		$(GO) test "./$$folder" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -timeout 10m; \
	done

sim: ## simulate kills and cuts: SEED=n for one story, SEEDS=n for many
	$(GO) test ./integration/simulation -count=1 -timeout 60m -v -args $(if $(SEED),-sim.seed=$(SEED),-sim.seeds=$(SEEDS))

bench: redis build ## compare with Debian's redis-server: time, memory, stops (20 minutes; all tables also in bin/bench.md)
	@rm -f bin/bench.md
	$(GO) run ./integration/bench -md bin/bench.md $(BENCHFLAGS)
	@set -e; for bar in $(BARS); do \
		echo "== $$bar"; \
		$(GO) run ./integration/bench/$$bar -tandem bin/tandem-server -md bin/bench.md $(BARFLAGS); \
	done

redis: # the reference server, its client and its benchmark
	@.ci/install redis-server redis-server
	@.ci/install redis-cli redis-tools

clean: ## remove ./bin and the data of the loopback pair
	rm -rf bin run
