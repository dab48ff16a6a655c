#!/usr/bin/env bash
# with_display.sh COMMAND...: runs it on the screen there is, or else on a virtual one.
set -euo pipefail
if [[ $(uname) == Linux && -z ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
  exec xvfb-run --auto-servernum --server-args="-screen 0 1600x1200x24" "$@"
fi
exec "$@"
