# Every command a person or CI runs. `make` lists them.

PORT ?= 8000
STAGE ?= dev
# For the tool below; config/environment.py reads a variable of the same name.
unexport STAGE
# What one process of the many compiles, the next need not.
unexport PYTHONDONTWRITEBYTECODE

PYTHON := .venv/bin/python
MANAGE := $(PYTHON) manage.py
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
UV := $(or $(shell command -v uv),.tools/bin/uv)
OWN_UV := $(filter .tools/bin/uv,$(UV))
# A machine that runs the tests has more than the site needs, of the same versions.
SITE := $(or $(wildcard .venv/dev.stamp),.venv/run.stamp)
DEV := .venv/dev.stamp

PYTEST := $(PYTHON) -m pytest --dist loadfile
ON_SQLITE := env DATABASE_URL=sqlite:///build/tests.sqlite3 $(PYTEST) -n $(or $(WORKERS),2)
# MYSQL=9 puts MySQL 9 in MariaDB's place. Of three, one waits at any time: for a browser,
# a function, a deploy.
ON_MARIADB := $(PYTHON) -m tests.$(if $(MYSQL),mysql$(MYSQL),database) -- $(PYTEST) -n $(or $(WORKERS),3)
QUICK := -m "not (mysql or browser or package or thorough)" --ignore=tests/browser --ignore=tests/deployment
TEMPLATES := git ls-files -z --cached --others --exclude-standard -- 'templates/*.html'
DJADE := xargs -0 -r .venv/bin/djade --target-version 6.1
COMPILE := $(UV) pip compile --quiet --no-header --generate-hashes --python-version 3.13

.PHONY: help run test test-fast chaos mutations fmt lint types check docs migrations migrate audit ci lock \
	package can-package invoke rehearse deploy rollback restart undeploy status logs unlock manage bench scale \
	current-docs
.DELETE_ON_ERROR:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

run: $(SITE) ## the site, a worker and a stand-in for Stripe, on SQLite (PORT=8000)
	@exec $(PYTHON) -m tests.laptop --port $(PORT)

test: $(DEV) ## the whole suite on MariaDB, then what is quick on SQLite (ARGS="-k void" narrows)
	$(PYTHON) -m tests.system_packages
ifdef ARGS
	$(ON_MARIADB) $(ARGS)
	@# What is left may be believed only on MariaDB: pytest's 5 is "no tests".
	$(ON_SQLITE) -m "not mysql and not package" $(ARGS) || [ $$? -eq 5 ]
else
	@rm -f .coverage .coverage.*
	$(ON_MARIADB) --cov --cov-report= --junitxml=build/MariaDB.xml
	$(ON_SQLITE) --junitxml=build/SQLite.xml $(QUICK)
	@.venv/bin/coverage report
	@.venv/bin/coverage json --quiet -o build/coverage.json
	@$(PYTHON) -m tests.coverage_floor build/coverage.json build/MariaDB.xml build/SQLite.xml
endif

test-fast: $(DEV) ## on SQLite, without what takes long: a minute or so (ARGS= narrows)
	$(ON_SQLITE) $(QUICK) $(ARGS)

chaos: $(DEV) ## break all that a payment stands on, and audit (ARGS="--quick --seed 7")
	$(PYTHON) -m tests.chaos $(ARGS)

mutations: $(DEV) ## take each safeguard away, and see that a test notices (ARGS="--only lock")
	$(PYTHON) -m tests.mutations $(ARGS)

fmt: $(DEV) ## put Python and templates in their form
	.venv/bin/ruff check --fix-only --quiet
	.venv/bin/ruff format --quiet
	@$(TEMPLATES) | $(DJADE)

lint: $(DEV) ## style, form, and which code may know which
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	@$(TEMPLATES) | $(DJADE) --check

types: $(DEV) ## mypy --strict
	.venv/bin/mypy

check: lint types current-docs ## lint, types, Django's own checks, migrations, generated docs
	$(MANAGE) check
	set -a; . ./tests/data/stage.env; $(PYTHON) -m tests.database -- $(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) makemigrations --check --dry-run

docs: $(DEV) ## write docs/reference from the code
	$(MANAGE) write_reference

current-docs: $(DEV)
	@rm -rf build/reference && mkdir -p build && cp -R docs/reference build/reference
	$(MANAGE) write_reference
	@diff -r build/reference docs/reference || \
		{ echo "docs/reference was not current: commit what was just written."; exit 1; }

migrations: $(DEV) ## write migrations for changed models
	$(MANAGE) makemigrations $(ARGS)

migrate: $(DEV) ## bring the laptop's database up to date
	$(MANAGE) migrate

audit: $(DEV) ## load the demo into a database of its own, and audit its books
	@rm -f build/audit.sqlite3* && mkdir -p build
	@export DATABASE_URL=sqlite:///build/audit.sqlite3; \
		$(MANAGE) migrate --verbosity 0 && $(MANAGE) load_demo && \
		$(MANAGE) db_worker --batch --verbosity 0 --no-startup-delay --interval 0 && \
		$(MANAGE) audit_books --files $(ARGS)

ci: check test ## all that must be green

lock: | $(OWN_UV) ## lock requirements/ (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) pyproject.toml -o requirements/run.txt
	$(COMPILE) $(ARGS) pyproject.toml --extra lambda -c requirements/run.txt -o requirements/lambda.txt
	$(COMPILE) $(ARGS) pyproject.toml --extra lambda --group dev -c requirements/lambda.txt -o requirements/dev.txt
	$(COMPILE) $(ARGS) --no-deps --group contract -o requirements/contract.txt
	$(COMPILE) $(ARGS) --no-deps --group emulator -o requirements/emulator.txt

package: can-package $(DEV) ## the zip that every stage deploys
	$(PYTHON) -m deploy.package

can-package:
	@python3 -m deploy.machine

invoke: can-package $(DEV) ## send the package one event (EVENT=mocks/rest-get.json)
	@$(PYTHON) -m tests.invoke $(or $(EVENT),mocks/rest-get.json)

rehearse: can-package $(DEV) ## deploy to an AWS on this machine, and use it (STAGE=dev MYSQL=9 ZIP=)
	@$(PYTHON) -m tests.rehearsal $(STAGE) $(if $(ZIP),--zip $(ZIP)) \
		$(if $(MYSQL),--mysql $(MYSQL))

deploy: $(DEV) ## checks, package, rehearsal, then the stage (STAGE=qa; FROM=dev or ZIP=)
	@$(PYTHON) -m deploy.release deploy $(STAGE) $(if $(ZIP),--zip $(ZIP)) \
		$(if $(FROM),--from $(FROM)) $(if $(REHEARSED),--rehearsed $(REHEARSED))

rollback: $(DEV) ## a stage back to the release before (STAGE=qa)
	@$(PYTHON) -m deploy.release rollback $(STAGE)

restart: $(DEV) ## let a stage read its secret anew (STAGE=qa)
	@$(PYTHON) -m deploy.release restart $(STAGE)

undeploy: $(DEV) ## remove a stage; database, buckets and logs stay (STAGE=qa YES=1)
	@$(PYTHON) -m deploy.release undeploy $(STAGE) $(if $(YES),--yes)

status: $(DEV) ## how a stage is, in a dozen lines (STAGE=qa)
	@$(PYTHON) -m deploy.release status $(STAGE)

logs: $(DEV) ## what a stage wrote, a line an event (STAGE=qa SINCE=1h FOLLOW=1 RAW=1)
	@$(PYTHON) -m deploy.release logs $(STAGE) \
		$(if $(SINCE),--since $(SINCE)) $(if $(FOLLOW),--follow) $(if $(RAW),--raw)

unlock: $(DEV) ## let a stage be deployed after a deploy that was killed (STAGE=qa)
	@$(PYTHON) -m deploy.release unlock $(STAGE)

manage: $(DEV) ## a management command, by a stage's worker (STAGE=qa ARGS="reconcile --dry-run")
	@$(PYTHON) -m deploy.release manage $(STAGE) "$(ARGS)"

bench: $(DEV) ## compare ourselves with peers (ARGS=--quick; ARGS=--help lists more)
	$(PYTHON) -m benchmarks $(ARGS)

scale: $(DEV) ## 200,000 invoices beside 200: does anything grow? (ARGS=--quick)
	$(PYTHON) -m benchmarks.scale $(ARGS)

# Tools and environments: made when missing, filled when a lock changes.

.tools/bin/uv:
	@python3 -m venv --clear .tools >/dev/null 2>&1 || { \
		$(SUDO) apt-get update && \
		$(SUDO) apt-get install --yes --no-install-recommends python3-venv && \
		python3 -m venv --clear .tools; \
	} || { echo "Missing: uv, or Python with venv to install it with."; exit 1; }
	@.tools/bin/python -m pip install --quiet uv

.venv/pyvenv.cfg: .python-version | $(OWN_UV)
	@rm -rf .venv
	$(UV) venv --quiet .venv

# Without the MySQL driver, which has to be built; with Stripe's own description, for the
# stand-in. Every list is whole, so that nothing needs its dependencies looked up.
.venv/run.stamp: requirements/run.txt requirements/contract.txt .venv/pyvenv.cfg | $(OWN_UV)
	$(UV) pip install --quiet --python .venv --require-hashes --no-deps \
		$(patsubst %,-r %,$(filter %.txt,$^))
	@touch $@

# What is locked, and nothing else.
.venv/dev.stamp: requirements/dev.txt requirements/contract.txt requirements/emulator.txt .venv/pyvenv.cfg | $(OWN_UV)
	$(PYTHON) -m tests.system_packages
	$(UV) pip sync --quiet --python .venv --require-hashes $(filter %.txt,$^)
	@touch $@
