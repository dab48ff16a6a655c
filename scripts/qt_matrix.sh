#!/usr/bin/env bash
# qt_matrix.sh PYTEST-ARGUMENTS...: the tests that are also for other Qt bindings than
# PyQt5, on which all of them run. A binding that this machine cannot install or import
# is skipped, with the reason.
set -uo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python

why_not() { "$python" -c "import $1.QtWidgets" 2>&1 | tail -n 1; }

# Not with the other packages: where there is no such wheel, all else is still tested.
install() {
  "$python" -m pip install --quiet --retries 1 --timeout 20 \
    --constraint constraints.txt --group "$1" 2>&1 | grep -m 1 ERROR
}

# on BINDING MARKS PYTEST-ARGUMENTS...
on() {
  local binding=$1 marks=$2 api=${1,,} reason
  shift 2
  reason=$(why_not "$binding")
  if [[ -n $reason ]]; then
    reason=$(install "$api") || reason=$(why_not "$binding")
  fi
  if [[ -n $reason ]]; then
    echo "SKIPPED on $binding: $reason"
    return 0
  fi
  echo "On $binding:"
  scripts/with_display.sh env QT_API="$api" PYTEST_QT_API="$api" \
    "$python" -m pytest tests/gui -m "$marks" "$@"
}

on PyQt6 "qt_smoke or qt_every" "$@" && on PySide6 qt_every "$@"
