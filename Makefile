# Builds the extension with PGXS; CMakeLists.txt builds the rooms without PostgreSQL headers for unit tests and fuzzers.
EXTENSION = pg_etl
EXTVERSION = 0.1.0
MODULE_big = pg_etl

SQL_PIECES = $(sort $(wildcard sql/install/*.sql))
SOURCES = $(sort $(wildcard src/*.cpp src/*/*.cpp))
OBJS = $(SOURCES:.cpp=.o)
DATA_built = pg_etl--$(EXTVERSION).sql
DATA = $(wildcard sql/upgrade/pg_etl--*--*.sql)

REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(sort $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation

PG_CPPFLAGS = -isystem $(libpq_srcdir) -DETL_VERSION='"$(EXTVERSION)"'
SHLIB_LINK = $(libpq) -lcurl -lexpat -lxlsxwriter -lyaml-cpp -lz -lzip -lstdc++
PARQUET_OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard src/file/arrow/*.cpp)))
EXTRA_CLEAN = pg_etl--$(EXTVERSION).sql $(OBJS:.o=.d) pg_etl_parquet.so $(PARQUET_OBJS) $(PARQUET_OBJS:.o=.d)

override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# For trees that only tests use: -O1 -g1 takes half of the time to compile.
OPTIMIZE ?= -O2

# A newer gcc than ours built some servers; their flags are not all known here.
override CXXFLAGS := $(filter-out -fexcess-precision=standard -Wmissing-variable-declarations,$(CXXFLAGS))
override CFLAGS := $(filter-out -Wmissing-variable-declarations,$(CFLAGS))
# PostgreSQL's headers are not ours to mend: system headers.
override CPPFLAGS := $(patsubst -I$(includedir_server),-isystem $(includedir_server),$(CPPFLAGS))
override CXXFLAGS += -std=c++20 $(OPTIMIZE) -Wall -Wextra -Werror -Wno-register -Isrc -MMD -MP
ifdef FAULT_POINTS
override CXXFLAGS += -DETL_FAULT_POINTS
endif
ifdef ASAN
override CXXFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer
SHLIB_LINK += -fsanitize=address,undefined
endif
-include $(OBJS:.o=.d) $(PARQUET_OBJS:.o=.d)

# ARROW=DIR, a variable of make or of the environment: the prefix of Apache Arrow, with include/arrow and
# lib/libparquet.so, where it will stay. Makes and installs the writer of Parquet, which pg_etl loads when it is needed
# (src/file/parquet_writer.hpp).
ifdef ARROW
$(PARQUET_OBJS): override CPPFLAGS += -isystem $(ARROW)/include

pg_etl_parquet.so: $(PARQUET_OBJS) src/core/error.o src/core/printable.o
	$(CXX) $(CXXFLAGS) -shared -o $@ $^ $(LDFLAGS) -L$(ARROW)/lib -Wl,-rpath,$(ARROW)/lib -lparquet -larrow

all: pg_etl_parquet.so
install: install-parquet
install-parquet: pg_etl_parquet.so installdirs
	$(INSTALL_SHLIB) $< '$(DESTDIR)$(pkglibdir)/'
uninstall: uninstall-parquet
uninstall-parquet:
	rm -f '$(DESTDIR)$(pkglibdir)/pg_etl_parquet.so'

.PHONY: install-parquet uninstall-parquet
endif

pg_etl--$(EXTVERSION).sql: $(SQL_PIECES) Makefile
	printf '%s\n' '\echo Use "CREATE EXTENSION pg_etl" to load this file. \quit' > $@
	cat $(SQL_PIECES) >> $@

print-regress:
	@printf '%s\n' '$(REGRESS)'
print-isolation:
	@printf '%s\n' '$(ISOLATION)'
print-version:
	@printf '%s\n' '$(EXTVERSION)'

.PHONY: print-regress print-isolation print-version

demo:
	@demo/run
demo-stop:
	@demo/stop
bench:
	@tools/install-packages build bench
	@PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=test "$$(tools/python-env)" -m bench $(BENCH)
soak:
	@tools/soak $(SOAK)

.PHONY: bench demo demo-stop soak
include test/test.mk
include tools/dev.mk
