# `make lab` opens the course, `make test` proves it. Both set up .venv at their first call.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
VENV_PYTHON := .venv/Scripts/python.exe
else
VENV_PYTHON := .venv/bin/python
endif
# Where `make mark` finds the submissions.
FOLDER ?= submissions
# More arguments for JupyterLab, for instance LAB_ARGS="--no-browser --port=8890".
LAB_ARGS ?=
NOTEBOOKS := $(wildcard notebooks/*.ipynb notebooks/solutions/*.ipynb)
NBVAL := $(VENV_PYTHON) -m pytest -p tests.nbval_plugin --nbval --nbval-current-env \
	--nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 600 --timeout 900 \
	-n 2 --dist loadfile
# Cells share the two cores with their neighbours: idle threads must not spin.
export OMP_WAIT_POLICY := PASSIVE
# Two notebooks at a time, a thread each: more would only wait for one another.
test-notebooks: export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help install install-test vendor book lab test test-fast test-unit test-notebooks test-browser execute slides data \
	fsdd-digits esc10 tagging diagnosis seeds recognisers real-voices adaptation spellers shards scaling bench bench-ablation pretrained links mark instructor lint clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' Makefile

install:
	@$(PYTHON) docs/tools/install.py

install-test:
	@$(PYTHON) docs/tools/install.py --test

# The JavaScript of slides and site, at pinned versions: fetched once, kept in the user's cache.
vendor: install-test
	@$(VENV_PYTHON) docs/tools/vendor.py

book: vendor ## the course as a web site in build/site, with search, sounds, explorers; no network needed
	$(VENV_PYTHON) docs/tools/book.py

lab: install ## open the course in JupyterLab (localhost, random token)
	$(VENV_PYTHON) -m jupyterlab --ip=127.0.0.1 $(LAB_ARGS) notebooks/00_start_here.ipynb

test: test-unit test-notebooks test-browser lint ## everything: unit tests, all notebooks, browser tests

test-unit: install-test ## the package, the data, the structure of the notebooks
	$(VENV_PYTHON) -m pytest tests -m "not browser" -n 2

test-notebooks: install-test ## every notebook: stored outputs against a fresh run, with and without real data
	$(NBVAL) $(NOTEBOOKS)
	$(NBVAL) --without-data $(NOTEBOOKS)

test-browser: vendor ## the explorers, players and quizzes in a real JupyterLab
	$(VENV_PYTHON) -m pytest tests/browser -m browser -n 2 --dist loadfile

test-fast: install-test ## unit tests without the slow ones
	$(VENV_PYTHON) -m pytest tests -m "not browser and not slow" -n 2

slides: vendor ## a lecture of each notebook, in build/slides: sounds and explorers, no network
	$(VENV_PYTHON) -m docs.tools.slides $(NB)

execute: install-test ## run all notebooks in place; NB=notebooks/01_sound_waves.ipynb runs one
	$(VENV_PYTHON) docs/tools/execute.py $(or $(NB),$(NOTEBOOKS))

data: install-test ## build the bundled corpora again with espeak-ng
	$(VENV_PYTHON) data/build.py

fsdd-digits: install-test ## recorded run: FSDD with one speaker left out, into docs/runs (15 minutes)
	$(VENV_PYTHON) docs/tools/fsdd_digits.py

esc10: install-test ## recorded run: ESC-10, five folds, three seeds, into docs/runs (15 minutes)
	$(VENV_PYTHON) docs/tools/esc10.py

tagging: install-test ## recorded run: taggers with each pooling and augmentation, into docs/runs (20 minutes)
	$(VENV_PYTHON) docs/tools/tagging.py

recognisers: install-test ## recorded run: Deep Speech 2 on commands and FSDD, into docs/runs (20 minutes)
	$(VENV_PYTHON) docs/tools/recognisers.py figures
	$(VENV_PYTHON) docs/tools/recognisers.py left-out

spellers: install-test ## recorded run: Listen, Attend and Spell on commands, digits and FSDD (60 minutes)
	$(VENV_PYTHON) docs/tools/spellers.py figures
	$(VENV_PYTHON) docs/tools/spellers.py left-out
	$(VENV_PYTHON) docs/tools/spellers.py variants --folder build/spellers
	$(VENV_PYTHON) docs/tools/spellers.py failures --folder build/spellers

real-voices: install-test ## recorded run: recognisers of synthetic voices on real ones, into docs/runs (1 minute)
	$(VENV_PYTHON) docs/tools/real_voices.py

adaptation: install-test ## recorded run: a recogniser of digits adapted to each speaker of FSDD (8 minutes)
	$(VENV_PYTHON) docs/tools/adaptation.py

scaling: install-test ## recorded run: seconds of a training step, profiles, into docs/runs (4 minutes)
	$(VENV_PYTHON) docs/tools/scaling.py

shards: install-test ## recorded run: memory of an epoch, all in memory and from shards, into docs/runs (2 minutes)
	$(VENV_PYTHON) docs/tools/shards.py

bench: install-test ## the yardstick: ours and peers side by side, into docs/runs (25 minutes, nothing beside it)
	$(VENV_PYTHON) docs/tools/bench.py --browser
	$(VENV_PYTHON) docs/tools/recognisers.py peers

bench-ablation: install-test ## recorded run: Deep Speech 2 with parts changed or left out (10 minutes)
	$(VENV_PYTHON) docs/tools/recognisers.py ablation

pretrained: install-test ## train and pack the small recognisers that come with the course (10 minutes)
	$(VENV_PYTHON) docs/tools/pretrained.py

diagnosis: install-test ## recorded run: the curves of exercise 12.5, into docs/runs (3 minutes)
	$(VENV_PYTHON) docs/tools/diagnosis.py

seeds: install-test ## recorded run: the trainings of notebooks 06 and 07 with three seeds, into docs/runs (12 minutes)
	$(VENV_PYTHON) docs/tools/seeds.py

links: install-test ## write the address in pyproject.toml into badges and links
	$(VENV_PYTHON) docs/tools/links.py

mark: install ## mark submitted notebooks: FOLDER=submissions OUT=marks.csv JOBS=2
	$(VENV_PYTHON) -m course_utils.exercises.marking "$(FOLDER)" --out "$(or $(OUT),marks.csv)" --jobs $(or $(JOBS),2)

instructor: ## zip solutions, teaching guide and slides, if made, into build/instructor.zip
	@$(PYTHON) docs/tools/instructor.py

lint: install-test ## ruff on package, tests and notebooks
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .

clean: ## remove what can be made again, .venv too
	rm -rf .venv build dist *.egg-info test-results .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
