#!/bin/sh
# Run by the installer at its end; PREFIX is where everything was installed.
set -eu
"$PREFIX/bin/python" -m pip install --no-deps --no-index "$PREFIX"/napari_unet_live-*.whl
rm "$PREFIX"/napari_unet_live-*.whl
# Without icons the program still starts by its name.
"$PREFIX/bin/python" -P -m napari_unet shortcut || true
