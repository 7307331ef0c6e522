# Needs Python 3.11 or later and GNU make 3.81 or later; scripts/setup.sh brings everything else, into .venv where it can.

.DEFAULT_GOAL := help
.PHONY: help song test lint format wheel clean FORCE

BIN := .venv/bin
BASE := .venv/base.stamp
DEV := .venv/dev.stamp

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s%s\n", $$1, $$2 }' Makefile

song: $(BASE) ## Set up what is missing and compose a first piece into out/
	$(BIN)/cadenza compose --style chorale --key "D minor" --bars 16 --seed 11 --out out/song
	@echo
	@echo 'Next, paste one of these:'
	@echo '$(BIN)/cadenza compose --key "D minor" --chords "Dm | Gm | A7 | Dm" --bars 8 --rules four-part --out out/steered'
	@echo '$(BIN)/cadenza continue out/song.mid --bars 8 --out out/longer'
	@echo '$(BIN)/cadenza analyze out/song.mid'

test: lint ## Set up what is missing (with TensorFlow) and run every check
	$(BIN)/pytest --numprocesses auto --dist loadfile

lint: $(DEV) ## Run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV) ## Lay out the code with ruff
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(BASE) ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## Remove .venv, dist and caches; your pieces in out/ stay
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find composer data synth theory tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BASE): pyproject.toml
	@sh scripts/setup.sh base

$(DEV): pyproject.toml $(BASE)
	@sh scripts/setup.sh dev

# A checkout that has been moved, or whose Python is gone, is set up again.
ifneq ($(shell test -x $(BIN)/python && cat $(BASE) 2>/dev/null),$(CURDIR))
$(BASE): FORCE
endif
