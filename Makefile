# Every target is one command; the work is in scripts/. `make` alone lists them.
.PHONY: help build demo test lint fmt bench docs dist jaeger clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## build the command line tool and the plugin's executable
	cargo build --release --locked

demo: ## serve example traces, let the plugin diagnose them, print what it says
	scripts/demo.sh

test: ## install what the tests need and run all of them
	scripts/test.sh

lint: ## formatting, clippy, docs, licences and sources of dependencies
	scripts/lint.sh

fmt: ## format the code
	cargo fmt

bench: ## measure against the bounds of docs/performance.md
	cargo bench --locked

docs: ## the crate's documentation
	cargo doc --locked --no-deps

dist: ## the folder that Grafana's plugin directory gets, with a static executable
	scripts/dist.sh

jaeger: ## build the real Jaegers that the tests run against (Go)
	scripts/build-jaeger.sh

clean: ## remove what was built
	cargo clean
