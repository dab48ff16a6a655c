#!/usr/bin/env bash
# build.sh [FOLDER]: builds the installer of this system into a folder, dist by default.
#
# Needs `constructor` (conda install -c conda-forge constructor) and python with hatchling.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)

if ! command -v constructor >/dev/null; then
  echo "There is no 'constructor' here; type: conda install -c conda-forge constructor" >&2
  exit 1
fi
python -m hatchling build -t wheel -d "$out"
NAPARI_UNET_VERSION=$(python -m hatchling version)
NAPARI_UNET_WHEEL=$out/napari_unet_live-$NAPARI_UNET_VERSION-py3-none-any.whl
NAPARI_UNET_LICENSE=$out/LICENSE.txt # its suffix tells the installer what it is
cp LICENSE "$NAPARI_UNET_LICENSE"
export NAPARI_UNET_VERSION NAPARI_UNET_WHEEL NAPARI_UNET_LICENSE
constructor packaging/constructor --output-dir "$out"
