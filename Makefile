# The README's two commands are `make lab` and `make test`; each does its own set-up. `make` alone lists all targets.

VENV := .venv
PYTHON := $(VENV)/bin/python
LAB_READY := $(VENV)/.lab-ready
TEST_READY := $(VENV)/.test-ready
HUB_PROXY := $(VENV)/bin/configurable-http-proxy
GRADES := tests/unit tests/gallery labkit/model labkit/views labkit/range tests/range tests/sandbox tests/classroom tests/hub tests/notebooks

# Without bytecode, every Python that a test starts compiles its packages again: twice the CPU time.
unexport PYTHONDONTWRITEBYTECODE

# Four on two processors: tests wait for processes and packets half of their time.
AT_ONCE := --numprocesses 4

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab setup test lint format test-unit test-sandbox test-range test-hub test-notebooks test-classroom test-browser test-long bench gallery images readme clean

# A virtual environment contains its own path and needs its own Python: it is created again if the clone was moved, or if
# its Python was removed or is another version now.
MADE_FOR := $(shell $(PYTHON) -I -S -c 'import os, sys; os.stat("$(VENV)/lib/python%d.%d" % sys.version_info[:2]); print(open("$(VENV)/.folder").read())' 2>/dev/null)
ifneq "$(MADE_FOR)" "$(CURDIR)"
.PHONY: $(VENV)/.folder
endif

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

lab: $(LAB_READY)  ## open the lab in JupyterLab
	@sh -c "$$FIND_PROGRAMS" || true
	@$(VENV)/bin/labkit lab

setup: $(LAB_READY)  ## create .venv with what the lab needs (make lab and make test do this themselves)
	@echo "Set up in $(VENV). make lab opens the lab."

test: $(TEST_READY) $(HUB_PROXY) lint  ## every check: lint, then all tests, on two processors
	@sh -c "$$FIND_PROGRAMS" || { [ "$$CI" = true ] && sh -c "$$GET_PROGRAMS"; } || true
	@if sh -c "$$FIND_BROWSER"; then \
	    $(PYTHON) -m pytest $(AT_ONCE) $(GRADES) tests/browser; \
	elif [ "$$CI" = true ]; then \
	    echo "No browser for tests/browser, and under CI that is a failure." >&2; exit 1; \
	else \
	    $(PYTHON) -m pytest $(AT_ONCE) $(GRADES) && echo "NOT RUN: tests/browser. $$HOW_TO_GET_A_BROWSER"; \
	fi

# import-linter's cache does not notice added or removed modules; without it the check takes half a second.
lint: $(TEST_READY)  ## ruff, mypy, import-linter, and that no notebook contains outputs
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy labkit
	$(VENV)/bin/lint-imports --no-cache
	$(PYTHON) -m nbstripout --keep-id --verify notebooks/*.ipynb

format: $(TEST_READY)  ## format the code, and strip the outputs from notebooks
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(PYTHON) -m nbstripout --keep-id notebooks/*.ipynb

test-unit: $(TEST_READY)  ## pure tests, and the doctests of labkit/model and labkit/views
	$(PYTHON) -m pytest tests/unit tests/gallery labkit/model labkit/views

test-sandbox: $(TEST_READY)  ## tests over real HTTP against the sandbox
	$(PYTHON) -m pytest tests/sandbox

test-range: $(TEST_READY)  ## the closed network, with real programs and real packets
	$(PYTHON) -m pytest labkit/range tests/range

test-classroom: $(TEST_READY)  ## a class: join, board, a student's own host
	$(PYTHON) -m pytest tests/classroom

test-hub: $(TEST_READY) $(HUB_PROXY)  ## a class of five behind a real JupyterHub
	$(PYTHON) -m pytest tests/hub

test-notebooks: $(TEST_READY)  ## each chapter executed in a fresh kernel
	$(PYTHON) -m pytest tests/notebooks

test-browser: $(TEST_READY)  ## the lab in a real Chromium
	@sh -c "$$FIND_BROWSER" || { echo "$$HOW_TO_GET_A_BROWSER" >&2; exit 1; }
	$(PYTHON) -m pytest tests/browser

test-long: $(TEST_READY)  ## the property tests with 2,000 examples each
	$(PYTHON) -m pytest --hypothesis-profile=many tests/unit

bench: $(TEST_READY)  ## measure the lab against fixed limits and peers, in one table
	$(PYTHON) -m tests.bench

gallery: $(TEST_READY)  ## write test-results/gallery.html: every component in every state, light and dark
	$(PYTHON) -m tests.gallery

images: $(TEST_READY)  ## take the README's picture and the recordings of chapter 2 from the running lab
	$(PYTHON) -m tests.browser.images

readme: $(TEST_READY)  ## write the tables of labkit/sandbox/aws/README.md
	$(PYTHON) -m tests.readme

clean:  ## delete .venv, caches and test results; the lab's own files stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	find labkit tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up -------------------------------------------------------------------------------------------------------

$(LAB_READY): $(VENV)/.folder pyproject.toml
	@echo "Installing the lab into $(VENV) (well under a minute, once) ..."
	@sh -c "$$INSTALL" install .
	@$(PYTHON) -m pip uninstall --quiet --yes uv 2>/dev/null || true  # 38 MB, needed only to install
	@touch $@

$(TEST_READY): $(VENV)/.folder pyproject.toml
	@echo "Installing the lab and its test tools into $(VENV) (well under a minute, once) ..."
	@sh -c "$$INSTALL" install '.[class,dev]'
	@touch $(LAB_READY) $@

# If the proxy cannot be installed, the hub's tests say so.
$(HUB_PROXY): | $(TEST_READY)
	@-$(PYTHON) -m labkit.classroom.hub.get_proxy

$(VENV)/.folder:
	@sh -c "$$MAKE_VENV"
	@printf %s "$$(pwd -P)" > $@

# python3 if it is new enough and can make a virtual environment, else the newest other Python that can.
define MAKE_VENV
case $$(pwd) in *[[:cntrl:]]*)
    echo "The path of this clone has a line break or another control character, with which Python finds no package. Move the clone." >&2
    exit 1 ;;
esac
oldest=$$(sed -n 's/^requires-python = ">=3\.\([0-9]*\)"$$/\1/p' pyproject.toml) found= suitable=
for python in python3 $$(seq -f python3.%g 40 -1 $$oldest); do
    version=$$($$python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    found=$${found:-$$python is $$version}
    minor=$${version#3.}; [ "$${minor%%.*}" -ge "$$oldest" ] || continue
    suitable=$${suitable:-$$python}
    $$python -c 'import ensurepip, venv' 2>/dev/null || continue
    exec $$python -m venv --clear $(VENV)
done
echo "The lab needs Python 3.$$oldest or later, with its venv module. Here $${found:-there is no python3}$${suitable:+, without venv}. One of these helps:" >&2
if [ -n "$$suitable" ]; then
    echo "  sudo apt install $$suitable-venv" >&2
else
    echo "  sudo apt install python3-venv       Debian 12, Ubuntu 24.04, or later; on Ubuntu 22.04: python3.11-venv" >&2
    echo "  sudo dnf install python3.12         Fedora, RHEL, Rocky Linux" >&2
fi
echo "  uvx --python 3.13 --from . self-protecting-cloud      opens the lab without make; uv gets Python itself" >&2
exit 1
endef
export MAKE_VENV

# uv takes seconds, pip takes a minute. pip is the fallback if uv is not available or cannot use this machine's index.
# What the user has set for other installations, in variables or in pip's configuration file, does not apply to .venv;
# where packages come from does, and uv gets it from pip.
define INSTALL
unset PIP_PYTHON PIP_ROOT PIP_DRY_RUN PYTHONPATH PYTHONHOME
pip="$(PYTHON) -m pip --disable-pip-version-check" into="--no-user --target= --prefix=$(VENV)"
setting() { $$pip config list | sed -n "s/^[^ ]*\.$$1='\(.*\)'$$/\1/p" | head -n 1; }
export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$(setting index-url)}" SSL_CERT_FILE="$${SSL_CERT_FILE:-$$(setting cert)}"
[ -n "$$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX; [ -n "$$SSL_CERT_FILE" ] || unset SSL_CERT_FILE
$$pip install --quiet $$into uv &&
env -u UV_SYSTEM_PYTHON -u UV_TARGET -u UV_PREFIX $(PYTHON) -m uv pip install --quiet --python $(PYTHON) --editable "$$1" ||
$$pip install $$into --editable "$$1"
endef
export INSTALL

# The programs of parts 1 and 3. On Debian, nft is in a folder that is not in an ordinary user's PATH.
define FIND_PROGRAMS
PATH="$$PATH:/usr/sbin:/sbin" missing=
for program in ip nft curl; do command -v $$program >/dev/null || missing="$$missing $$program"; done
[ -n "$$missing" ] || exit 0
echo "Not installed:$$missing." >&2
case $$missing in *curl*)
    echo "Part 1 checks that the lab's host has curl, and part 3 runs it: without it you cannot complete the lab." >&2 ;;
esac
case $$missing in *ip*|*nft*)
    echo "Part 3 filters real packets with ip and nft. Without them you get range tier 2 of 3: programs run and their connections are decided, but no packet is filtered." >&2 ;;
esac
echo "Get them with: sudo apt install iproute2 nftables curl, or: sudo dnf install iproute nftables curl" >&2
exit 1
endef
export FIND_PROGRAMS

define GET_PROGRAMS
[ "$$(id -u)" = 0 ] || as_root="sudo -n"
$$as_root apt-get update && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes iproute2 nftables curl
endef
export GET_PROGRAMS

# Under CI a missing browser is installed; elsewhere nothing is installed outside .venv.
define FIND_BROWSER
found() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
found >/dev/null && exit
[ "$$CI" = true ] && command -v apt-get >/dev/null || exit 1
[ "$$(id -u)" = 0 ] || as_root="sudo -n"
$$as_root apt-get update && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes chromium && found
endef
export FIND_BROWSER

HOW_TO_GET_A_BROWSER := The browser tests need Chromium. On Debian and Ubuntu: sudo apt install chromium
export HOW_TO_GET_A_BROWSER
