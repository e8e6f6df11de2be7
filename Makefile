# The commands of this project; `make` alone lists them. What they do is in scripts/ and images/.

.PHONY: help setup images lint test test-fast test-all soak demo bench bench-restart bench-micro reproducible clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing on this machine (apt; nothing when nothing is missing)
	@scripts/setup.sh build images host

images: ## build the images of the driver domains: images/out/disk and images/out/network
	@scripts/setup.sh build images
	@images/build.sh disk
	@images/build.sh network

lint: ## check the format of all Swift sources
	@scripts/lint.sh

test: ## setup, images, lint, unit tests, then all but the longest scenarios on real Xen in QEMU
	@scripts/test.sh main

test-fast: ## lint and unit tests only, without images and without QEMU
	@scripts/test.sh fast

test-all: ## run all scenarios on real Xen, also those for which make test has no time
	@scripts/test.sh all

soak: ## run the rehearsals of failures with ten times as many failures
	@scripts/test.sh soak

demo: ## boot real Xen in QEMU and serve two guests from a driver domain; ends in one line of JSON
	@scripts/demo.sh

bench: ## compare our backends with Linux's and QEMU's in driver domains, by turns in one boot
	@scripts/demo.sh bench $(BENCH)

bench-restart: ## measure what guests see of deaths of backends and of whole driver domains
	@scripts/demo.sh restart $(RESTART)

bench-micro: ## measure what our code costs a request and a packet, without Xen
	@scripts/setup.sh build
	@scripts/build-micro-bench.sh
	@.build/image/release/MicroBench

reproducible: ## build kernels and images twice, in two places, and compare the bytes
	@scripts/setup.sh build images
	@images/check-reproducible.sh kernel
	@images/check-reproducible.sh disk
	@images/check-reproducible.sh network

clean: ## remove what was built; downloaded packages and kernels stay in images/out/cache
	rm -rf .build
	if [ -d images/out ]; then find images/out -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +; fi
