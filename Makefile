# Two commands are enough: `make run` and `make test`. Both set everything up first, in
# .venv, and find nothing to do the second time.
#
#   make run PYTHON=/opt/python3.12/bin/python3       another Python than the one found
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu     a smaller torch on Linux
#                                     without an NVIDIA card; matters at the first set-up

export PYTHON TORCH_INDEX

# Where a machine forbids compiled files, each program that a test starts compiles anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PYQT5 := scripts/with_display.sh env QT_API=pyqt5 PYTEST_QT_API=pyqt5

# Every core runs tests, where each can have a screen of its own; see tests/conftest.py.
SHARED_OUT := -n auto --dist worksteal

SOAK_MIN ?= 30
SEED ?= 0

DATA ?= ../shared/data
RUNS ?= runs
SIZES ?= 4096 20000

.PHONY: help run test coverage lint docs bench bench-models bench-annotator bench-scale torture clean
.NOTPARALLEL:

help:
	@echo "make run     open napari with the dock and a sample image"
	@echo "make test    lint, types, import contracts and every test"
	@echo "make lint    the first three of these alone"
	@echo "make coverage   the tests, and which lines they reach: 90 % or it fails"
	@echo "make docs    the documentation as a site: site/index.html"
	@echo "make bench   speed, side by side with other tools"
	@echo "make bench-models   scores of the built-in models, from their data (DATA=DIR)"
	@echo "make bench-annotator   robots correct, models learn: hours (DATA=DIR RUNS=DIR)"
	@echo "make bench-scale   slides larger than memory, workers, kills (SIZES="4096 20000")"
	@echo "make torture tries to lose work: kills, damage, long runs (SOAK_MIN=30, SEED=0)"
	@echo "make clean   remove what tests and builds left; .venv stays"

run:
	@scripts/setup.sh app
	@scripts/run.sh

test: lint
	scripts/qt_matrix.sh $(SHARED_OUT)
	$(PYQT5) $(BIN)/pytest $(SHARED_OUT)

# Apart from `test`, as it takes more than half as long again.
coverage:
	@scripts/setup.sh test
	$(PYQT5) $(BIN)/pytest --cov $(SHARED_OUT)

lint:
	@scripts/setup.sh test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs:
	@scripts/setup.sh docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench:
	@scripts/setup.sh bench
	$(PYQT5) $(BIN)/python -m benchmarks

bench-models:
	@scripts/setup.sh test
	$(BIN)/python -m training.score --data $(DATA)

# Models that have not seen the kinds on which robots work: 17 minutes each.
STARTS := $(addprefix $(RUNS)/without-,a b c d)
$(RUNS)/without-a: WITHOUT = nanoparticles_em particles_sem precipitates_sem \
  nanoshapes_tem chloroplasts_em
$(RUNS)/without-b: WITHOUT = bacteria_two_channel nuclei_brightfield myoblasts_phase \
  embryos_brightfield neurons_brightfield mushrooms_photo
$(RUNS)/without-c: WITHOUT = cells_phase axons_sem plant_membranes nuclei_histology
$(RUNS)/without-d: WITHOUT = nuclei_fluorescence nuclei_u2os

$(STARTS):
	$(BIN)/python -m training.fit cells --data $(DATA) --out $@ --minutes 17 \
	  --leave-out $(WITHOUT) \
	  --set 'architecture={"kind":"subpixel","depth":3,"base_channels":32}' \
	  batch=8 steps=5000 rate=0.002 memory=0.995

bench-annotator: | $(STARTS)
	@scripts/setup.sh bench
	$(BIN)/python -m benchmarks.annotator --data $(DATA) --out $(RUNS)/annotator \
	  --starts $(STARTS) --everything 1200
	$(BIN)/python -m benchmarks.one_image --data $(DATA) --start $(RUNS)/without-d \
	  --out $(RUNS)/one-image.jsonl --steps 120

bench-scale:
	@scripts/setup.sh bench
	$(BIN)/python -m benchmarks.scale --out $(RUNS)/scale --sizes $(SIZES)

# One after the other in processes of their own: a kill forks, so it wants no threads.
torture:
	@scripts/setup.sh test
	$(BIN)/python -m tests.torture kills --seed $(SEED)
	$(PYQT5) $(BIN)/python -m tests.torture windows --seed $(SEED)
	NAPARI_UNET_TORTURE=1 $(BIN)/pytest tests/hostile -q
	$(BIN)/python -m tests.torture damage machine soak --seed $(SEED) --minutes $(SOAK_MIN)

clean:
	rm -rf build dist site demo_out .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache \
	  .ruff_cache .import_linter_cache
	find napari_unet tests benchmarks training -name __pycache__ -prune -exec rm -rf {} +
