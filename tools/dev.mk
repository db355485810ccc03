# For developers. Included by the Makefile after test/test.mk.
#
#   make lint        all checks that need no server (tools/lint)
#   make format      clang-format and ruff format, in place
#   make docs        the pages of docs/ that come from the code
#   make tidy        clang-tidy on the rooms without PostgreSQL headers (slow, not part of lint)

.PHONY: docs format lint tidy

lint:
	@tools/lint

format:
	@tools/format

docs:
	@"$$(tools/python-env)" tools/generate-docs

tidy:
	@cmake -S . -B build/tidy -DETL_TESTS=OFF >build/tidy.log
	@find src/compile src/core src/http src/model src/schedule src/transform -name '*.cpp' 2>/dev/null | \
		xargs -P "$$(nproc)" -n 4 clang-tidy --quiet -p build/tidy
