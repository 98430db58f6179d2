# SPDX-License-Identifier: GPL-2.0
#
# The ways into this repository. Each target is a script in dev/ that can be
# run by itself and says more with more words.

.NOTPARALLEL:

CONFIG ?= default
export KSRC PATCH SUBJECT

.PHONY: help deps tree refresh series kernel initramfs demo check check-long shell \
	docs lint check-off check-tools bisect bench report clean distclean

help:
	@echo 'make demo             watch one Linux start, talk to, lose and restart another'
	@echo 'make check            unit tests and selftests, each in a machine of its own'
	@echo 'make check-long       a million cases of each fuzzing unit test (20,000 of the'
	@echo '                      three whose cases take milliseconds), and long'
	@echo '                      selftests, with KASAN, UBSAN and lock checking (hours)'
	@echo
	@echo 'make tree             kernel tree in build/linux: base, patches, our files'
	@echo '                      (KSRC=/path: from your own 7.3 tree)'
	@echo 'make kernel           build it (CONFIG=NAME: with dev/config/NAME.config)'
	@echo 'make initramfs        build the userspace of host and instances'
	@echo 'make shell            a prompt in the host kernel; exit leaves'
	@echo 'make refresh          turn edits of kernel files in build/linux into patches'
	@echo '                      (PATCH=stem SUBJECT="...": into that one, or a new one)'
	@echo 'make series OUT=DIR   the whole work for git am, with a cover letter'
	@echo 'make bench            figures beside their references; build/bench.json'
	@echo 'make report           time of a start beside a cold boot; size; lines; build/report.txt'
	@echo 'make docs             the book as HTML in build/docs; fails on any warning'
	@echo 'make lint             checkpatch, documentation, sparse, compiler warnings'
	@echo 'make check-tools      mkctl with ASAN and UBSAN, its parsers fuzzed; on any Linux'
	@echo 'make check-off        CONFIG_MULTIKERNEL=n changes no machine code'
	@echo 'make bisect           each commit of the series builds (ten minutes)'
	@echo 'make clean            drop builds; distclean: the tree and downloads too'

deps:
	@dev/deps

tree: deps
	@dev/tree

refresh:
	@dev/refresh

series: tree
	@dev/series "$(OUT)"

kernel: deps
	@dev/kernel $(CONFIG)

initramfs: deps
	@dev/initramfs $(CONFIG)

demo: kernel initramfs
	@dev/vm --config $(CONFIG) --cpus 4 --memory 2G --file dev/guest/demo.sh:/demo.sh -- /demo.sh

check: kernel initramfs
	@CONFIG=$(CONFIG) dev/check $(TESTS)

check-long: CONFIG = debug
check-long: kernel initramfs
	@CONFIG=debug LIST=check-long.list FUZZ_CASES=$${FUZZ_CASES:-1000000} dev/check $(TESTS)

bench: kernel initramfs
	@CONFIG=$(CONFIG) dev/bench

report: kernel initramfs
	@CONFIG=$(CONFIG) dev/report

shell: kernel initramfs
	@dev/vm --config $(CONFIG) --interactive

docs: tree
	@dev/docs

lint: kernel
	@dev/lint

check-tools: initramfs
	@dev/check-tools

check-off: tree
	@dev/check-off

bisect: deps
	@dev/bisect

clean:
	@for d in build/*; do \
		case $$d in build/linux|build/cache|'build/*') ;; *) rm -rf "$$d" ;; esac; \
	done

distclean:
	@rm -rf build
