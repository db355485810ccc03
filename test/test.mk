# The test suites. Included by the Makefile after PGXS.
#
#   make test            all suites, also after one has failed; then the table of their counts
#   make check           unit and SQL tests on PostgreSQL 15 only
#   make test-NAME       one suite of those below, e.g. test-regress-16, test-integration
#
# A suite takes part as soon as its files exist. Its log is build/test/NAME.log.

RUN_SUITE = tools/run-suite
HARNESS = test/harness/cli
PYTEST = exec env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=test "$$(tools/python-env)" -m pytest -q -p no:cacheprovider

REGRESS_TREES = 15 16 18 15-cassert-asan  # the last one has the assertions as well
ISOLATION_TREES = 15 16 18 15-cassert
CRASH_TREES = 16 18 15-cassert

UNIT_SUITES := $(if $(wildcard test/unit/*_test.cpp),unit)
FUZZ_SUITES := $(if $(wildcard test/fuzz/fuzz_*.cpp),fuzz)
REGRESS_SUITES := $(if $(wildcard test/sql/*.sql),$(REGRESS_TREES:%=regress-%))
ISOLATION_SUITES := $(if $(wildcard test/isolation/specs/*.spec),$(ISOLATION_TREES:%=isolation-%))
PYTEST_SUITES := $(foreach suite,double integration crash,$(if $(wildcard test/$(suite)/test_*.py),$(suite)))
CRASH_SUITES := $(if $(wildcard test/crash/smoke.py),$(CRASH_TREES:%=crash-%))
SUITES := lint $(UNIT_SUITES) $(FUZZ_SUITES) $(REGRESS_SUITES) $(ISOLATION_SUITES) $(PYTEST_SUITES) $(CRASH_SUITES) demo
CHECK_SUITES := $(UNIT_SUITES) $(filter regress-15,$(REGRESS_SUITES))

# Runs the suites named in $(1) one after the other, failing ones too, and sums them up.
define run_suites
@mkdir -p build/test && rm -f build/test/results
@$(MAKE) --no-print-directory --keep-going --jobs=1 $(addprefix test-,$(1)) || true
@tools/test-summary $(1)
endef

.PHONY: test $(SUITES:%=test-%)

test:
	$(call run_suites,$(SUITES))

# PGXS has a rule of its own for this name, which only says that it does nothing: replaced only when it is asked for.
ifneq ($(filter check,$(MAKECMDGOALS)),)
check:
	$(call run_suites,$(CHECK_SUITES))
endif

test-lint:
	@$(RUN_SUITE) lint $(MAKE) --no-print-directory lint

test-unit:
	@$(RUN_SUITE) unit tools/run-unit-tests build/test/unit.xml

test-fuzz:
	@$(RUN_SUITE) fuzz tools/run-fuzzers 5

test-demo:
	@$(RUN_SUITE) demo test/demo/run

$(REGRESS_SUITES:%=test-%): test-regress-%:
	@$(RUN_SUITE) regress-$* $(HARNESS) regress $*

$(ISOLATION_SUITES:%=test-%): test-isolation-%:
	@$(RUN_SUITE) isolation-$* $(HARNESS) isolation $*

$(PYTEST_SUITES:%=test-%): test-%:
	@$(RUN_SUITE) $* sh -c '$(PYTEST) --junitxml=build/test/$*.xml test/$*'

# The suite `crash` is the whole matrix on 15; these are a few of its cells on other servers.
$(CRASH_SUITES:%=test-%): test-crash-%:
	@PG_ETL_TREE=$*-fault $(RUN_SUITE) crash-$* sh -c '$(PYTEST) --junitxml=build/test/crash-$*.xml test/crash/smoke.py'
