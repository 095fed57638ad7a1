# The two commands of the README are `make run` and `make test`; each installs what it needs.

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
MODULES  := . compat-tests examples
FUZZTIME := 30s

.PHONY: run test deps fmt vet lint go-test compat browser fuzz bench bench-idle

run: ## install the client's files, start the demo, print its URL
	@scripts/install.sh npm client-js
	@go run ./cmd/socketio serve

test: deps fmt vet lint go-test compat browser ## everything that CI runs
	@echo "all tests passed"

deps:
	@scripts/install.sh race npm client-js npm compat-tests chromium

fmt:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }

vet:
	@for m in $(MODULES); do (cd $$m && go vet ./...) || exit 1; done

lint:
	@for m in $(MODULES); do (cd $$m && go run $(GOLANGCI) run --timeout 10m ./...) || exit 1; done

go-test:
	@for m in $(MODULES); do (cd $$m && go test -race ./...) || exit 1; done
	@go test -run Alloc ./... # allocation budgets do not hold under the race detector

compat: ## the official JavaScript client in Node
	@cd compat-tests && npm test

browser: ## the chat page in headless Chromium
	@cd compat-tests && npm run test:browser

fuzz: ## every fuzz target for FUZZTIME
	@go list ./... | while read -r pkg; do \
	  go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' | while read -r f; do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) "$$pkg" || exit 1; done || exit 1; done

bench: ## every benchmark, with allocations
	@go test -run '^$$' -bench . -benchmem ./...
