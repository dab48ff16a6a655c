#!/usr/bin/env bash
# setup.sh app|test|docs|bench: makes .venv and installs this checkout into it.
#
# The stamp that says "done" is written last: a set-up that was killed is done again, in
# a new .venv, because pip takes a half-written package for an installed one.
set -euo pipefail
cd "$(dirname "$0")/.."

group=${1:-app}
venv=.venv

# Whatever makes an installed environment stale: a moved folder, another set of packages.
key() { { pwd; cat pyproject.toml constraints.txt scripts/setup.sh; } | cksum; }

is_done() {
  local stamps=("$venv/.done-$group") stamp
  [[ $group != app ]] || stamps=("$venv"/.done-*) # the others hold the app too
  for stamp in "${stamps[@]}"; do
    [[ ! -x $venv/bin/python || $(cat "$stamp" 2>/dev/null) != "$(key)" ]] || return 0
  done
  return 1
}

fits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null
}

# python3 comes first: it is the one whose -venv package a distribution offers.
find_python() {
  local python
  for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if fits "$python"; then
      echo "$python"
      return
    fi
    [[ -z ${PYTHON:-} ]] || break
  done
  echo "napari-unet needs Python 3.11 to 3.14 but found none as" \
    "'${PYTHON:-python3 or python3.xx}': install one, or name it with" \
    "'make run PYTHON=/path/to/python3'." >&2
  exit 1
}

# Debian and Ubuntu keep what makes a .venv in a package of its own.
venv_package() {
  "$1" -c 'import ensurepip' 2>/dev/null ||
    "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

install() {
  local arguments=(--editable ".[all]" --constraint constraints.txt)
  [[ $group == app ]] || arguments+=(--group "$group")
  [[ -z ${TORCH_INDEX:-} ]] || arguments+=(--extra-index-url "$TORCH_INDEX")
  "$venv/bin/python" -m pip install --quiet "pip>=25.1" && # the first with --group
    "$venv/bin/python" -m pip install "${arguments[@]}"
}

if is_done; then
  exec scripts/system_packages.sh
fi
if [[ -e $venv/.busy ]] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  # shellcheck disable=SC2046 # no word when nothing is missing
  scripts/system_packages.sh $(venv_package "$python")
  "$python" -m venv --clear "$venv"
else
  scripts/system_packages.sh
fi

echo "Installing into $venv; the first time takes some minutes."
touch "$venv/.busy"
status=0
install || status=$?
rm "$venv/.busy"
((status == 0)) || exit "$status"
key >"$venv/.done-$group"
