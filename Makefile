# SPDX-License-Identifier: MIT
# The two commands: `make demo` and `make check`. Each installs what is missing, then builds with meson.

BUILD  ?= build
PREFIX ?= /usr/local
VIV     = $(BUILD)/viv

.PHONY: all demo check check-slow bench install uninstall clean setup-build setup-test

all: setup-build $(BUILD)/build.ninja
	@ninja -C $(BUILD)

# Builds viv, boots examples/hello/vm.lua and shows what runs there.
demo: all
	$(VIV) run examples/hello/vm.lua -- sh -c 'uname -a; cat /etc/os-release'

# Every test that a change must pass; ends with "N passed, N failed, N skipped".
check: setup-test $(BUILD)/build.ninja
	@tests/run-all $(BUILD)

# What takes longer than a few minutes: before a release, and before an issue is closed.
check-slow: setup-test $(BUILD)/build.ninja
	@tests/run-all --slow $(BUILD)

# Compares with the tools that people use today; writes a table to standard output.
bench: all
	@bench/run $(BUILD)

# The place is compiled in: a PREFIX that is given now counts, whatever it was before.
install: setup-build $(BUILD)/build.ninja
	$(if $(filter-out file,$(origin PREFIX)),@meson configure $(BUILD) -Dprefix=$(PREFIX))
	@ninja -C $(BUILD)
	@meson install -C $(BUILD) --no-rebuild

# What the last install from here put anywhere.
uninstall:
	@ninja -C $(BUILD) uninstall

clean:
	rm -rf $(BUILD) build-asan build-clang

setup-build:
	@tools/setup build

setup-test:
	@tools/setup test

$(BUILD)/build.ninja:
	@meson setup $(BUILD) --prefix $(PREFIX) >/dev/null
