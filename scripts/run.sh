#!/usr/bin/env bash
# Opens napari with the dock and a sample image; without a screen, runs the demo.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ $(uname) != Linux || -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
  exec .venv/bin/napari-unet --sample nuclei
fi
echo "There is no display here, so the demo runs without a window."
.venv/bin/napari-unet demo --headless --out demo_out
echo "The pictures are in $PWD/demo_out"
