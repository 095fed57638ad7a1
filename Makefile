# The two commands of the README are `make run` and `make test`; each installs what it needs.

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
MODULES  := . adapter/redis adapter/nats cmd/socketio adapter/postgres adapter/nats/embedded engineio/webtransport observe/prometheus observe/otel adminui cmd/socketio/api internal/ledger compat-tests examples bench
FUZZTIME := 30s
SYSTEMS  := linux/386 darwin/arm64 freebsd/amd64 windows/amd64
PORTABLE := -X github.com/gosocketio/socketio/engineio.defaultMode=portable # no event loops, as on other systems than Linux
SOURCES  := $(wildcard $(shell git ls-files '*.go' '*.mjs' '*.mod' '*.sum' '*/package-lock.json'))
LEDGER   := artifacts/ledger
RESULTS  := $(LEDGER)/go-alloc.jsonl $(LEDGER)/compat-wire.jsonl $(LEDGER)/compat-browser.jsonl

.PHONY: help run cluster client-files test deps fmt vet lint go-test interop interop-portable interop-cluster compat browser ledger ledger-write fuzz microbench bench bench-quick bench-stress bench-peers million deploy-test cluster-faults chaos bench-cluster

# The first target: what `make` alone does.
help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## *\(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r t d; do printf '%-14s %s\n' "$$t" "$$d"; done

run: ## start the demo, print its URL
	@go run ./cmd/socketio serve -demo

cluster: ## the services of docker-compose.yml as processes: nginx, three nodes, Redis, Prometheus if there; prints the URL
	@scripts/install.sh proxies redis
	@go run ./examples/deploy

test: deps fmt vet lint ## everything that CI runs
	@rm -f artifacts/flaky.txt
	@$(MAKE) --no-print-directory go-test interop browser
	@$(MAKE) --no-print-directory ledger # of what has just run
	@if [ -f artifacts/flaky.txt ]; then cat artifacts/flaky.txt; fi
	@echo "all tests passed"

deps: ## install what the tests need; says first what that is
	@scripts/install.sh race npm client-js npm compat-tests chromium proxies redis postgres prometheus python curl

fmt: ## fail unless every Go file is formatted
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }

vet: ## here, and what users build as if on other systems
	@for m in $(MODULES); do (cd $$m && go vet ./...) || exit 1; done
	@for m in $(filter-out internal/ledger compat-tests examples bench,$(MODULES)); do for s in $(SYSTEMS); do \
	  (cd $$m && CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} go vet ./...) || exit 1; done; done

lint: ## golangci-lint in every module
	@for m in $(MODULES); do (cd $$m && go run $(GOLANGCI) run --allow-serial-runners --timeout 10m ./...) || exit 1; done

MODULETEST = sh -c 'go run ./internal/ledger run $(LEDGER)/go-$$(echo {} | tr / - | sed "s/^\.$$/core/").jsonl \
  go -C {} test -race -json ./...'

go-test: ## the Go tests of every module, with the race detector
	@rm -f $(LEDGER)/go-*.jsonl
	@echo . | xargs -I {} $(MODULETEST)
	@printf '%s\n' $(filter-out .,$(MODULES)) | xargs -P 3 -I {} $(MODULETEST) # tests of brokers and processes mostly wait
	@go run ./internal/ledger run $(LEDGER)/go-portable.jsonl \
	  go test -race -json -ldflags "$(PORTABLE)" -skip TestMemoryBeforeTheJoin . ./engineio # that one has both modes
	@case "$$(go env GOHOSTOS)/$$(go env GOHOSTARCH)" in \
	  linux/amd64) go run ./internal/ledger run $(LEDGER)/go-386.jsonl \
	    env CGO_ENABLED=0 GOARCH=386 go test -json ./protocol/... ./engineio ./engineio/wire ./adapter/... ;; \
	  *) echo "no 32-bit tests: only linux/amd64 runs them" ;; esac
	@go run ./internal/ledger run $(LEDGER)/go-alloc.jsonl go test -json -run Alloc ./... # allocation budgets do not hold under the race detector

interop: ## the official JavaScript clients against this server, compared with the official server
	@cd compat-tests && npm test
	@$(MAKE) --no-print-directory -j2 --output-sync=target interop-portable interop-cluster
	@cd compat-tests && npm run test:compare

interop-portable:
	@cd compat-tests && npm run test:portable

interop-cluster:
	@cd compat-tests && npm run test:cluster

compat: deps ## the same, and a Go peer: docs/evidence/compat-matrix.md (10 minutes)
	@cd compat-tests && node matrix.mjs

browser: ## headless Chromium: the chat page, and pages behind nginx, HAProxy and Vite
	@cd compat-tests && npm run test:browser

ledger: $(RESULTS) ## every case is held by a test that passed, or excluded for a reason (docs/evidence/compatibility.md)
	@go run ./internal/ledger check $(LEDGER)/*.jsonl

ledger-write: $(RESULTS) ## docs/evidence/compatibility.md and the README's table of features, from the tests
	@go run ./internal/ledger write $(LEDGER)/*.jsonl

# The tests run for the ledger only when a source is newer than their last results.
$(LEDGER)/go-alloc.jsonl: $(SOURCES)
	@$(MAKE) --no-print-directory deps go-test
$(LEDGER)/compat-wire.jsonl: $(SOURCES)
	@$(MAKE) --no-print-directory deps interop
$(LEDGER)/compat-browser.jsonl: $(SOURCES)
	@$(MAKE) --no-print-directory deps browser

client-files: ## client-js/bundle, from the npm package of the locked version
	@scripts/install.sh npm client-js
	@rm -rf client-js/bundle/dist
	@cd client-js/node_modules/socket.io-client && cp -r LICENSE package.json dist ../../bundle

fuzz: ## every fuzz target for FUZZTIME
	@go list ./... ./adapter/redis/... ./cmd/socketio/api/... | while read -r pkg; do \
	  go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' | while read -r f; do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) "$$pkg" || exit 1; done || exit 1; done

microbench: ## the benchmarks beside the code, with allocations
	@go test -run '^$$' -bench . -benchmem ./...

bench: ## this server, the official one, a Go peer and the floors: docs/benchmarks.md and the README's table (20 minutes)
	@cd bench && go run . -root ..

bench-stress: ## slow consumers, links that drop, everybody reconnecting at once: docs/evidence/stress.md (15 minutes)
	@cd bench && go run . -root .. -stress

bench-peers: ## beside servers in other languages: socketioxide, uWebSockets.js, Bun; says what is missing (10 minutes)
	@cd bench && go run . -root .. -peers

million: ## as many idle connections as the machine allows: docs/evidence/million.md
	@cd bench && go run . -root .. -million

bench-quick: ## one short round of it, on the terminal
	@cd bench && go run . -root .. -quick

deploy-test: ## 1,000 clients while three nodes behind nginx are replaced one after the other (1 minute)
	@scripts/install.sh proxies redis
	@cd examples && go test -count=1 -v -run TestDeploy ./deploy -args -clients 1000 -replace 3

cluster-faults: ## connections, Redis and nodes that fail, beside the official adapters: docs/evidence/cluster-faults.md (4 minutes)
	@cd bench && go run ./cluster -root .. -faults

chaos: ## kills, stops, partitions and slow links at random over every adapter, each message accounted for: docs/evidence/chaos.md (15 minutes)
	@scripts/install.sh race redis postgres
	@cd bench && go run ./cluster -root .. -chaos

bench-cluster: ## CPU for a message between two nodes, and throughput: docs/evidence/cluster-bench.md (5 minutes)
	@cd bench && go run ./cluster -root ..
