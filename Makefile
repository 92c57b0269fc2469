# Every target is one command; the work is in scripts/. `make` alone lists them.
.PHONY: help build demo demo-page test test-matrix lint fmt bench docs dist jaeger clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## build the command line tool and the plugin's executable
	cargo build --release --locked

demo: ## serve example traces, let the plugin diagnose them, print what it says
	scripts/demo.sh

demo-page: ## the editors and the panel over example traces in a browser, without Grafana (needs Node.js)
	scripts/frontend.sh page

test: ## install what the tests need and run all of them
	scripts/test.sh

test-matrix: ## the browser tests with the packages of Grafana 11.6, 12.4 and 13.2
	scripts/frontend.sh matrix

lint: ## formatting, clippy, docs, licences and sources of dependencies
	scripts/lint.sh

fmt: ## format the code
	cargo fmt

bench: ## measure against the bounds of docs/performance.md
	cargo bench --locked

docs: ## the crate's documentation
	cargo doc --locked --no-deps

dist: ## dist/ for the plugin folder of Grafana, release/ with the archives; static executables
	scripts/dist.sh

jaeger: ## build the real Jaegers that the tests run against (Go)
	scripts/build-jaeger.sh

clean: ## remove what was built
	cargo clean
