#!/usr/bin/env bash
# system_packages.sh [PACKAGE...]: installs the libraries that Qt, vispy and Xvfb need on
# Debian and Ubuntu, and the packages named.
#
# What is missing is read off the linker's cache and the file system, so a second call
# takes milliseconds and asks no server.
set -euo pipefail
[[ $(uname) == Linux ]] || exit 0

# what must be there       the package that brings it
libraries="
libGL.so.1                 libgl1
libEGL.so.1                libegl1
libglib-2.0.so.0           libglib2.0-0
libdbus-1.so.3             libdbus-1-3
libfontconfig.so.1         libfontconfig1
libxkbcommon.so.0          libxkbcommon0
libxkbcommon-x11.so.0      libxkbcommon-x11-0
libxcb-cursor.so.0         libxcb-cursor0
libxcb-icccm.so.4          libxcb-icccm4
libxcb-image.so.0          libxcb-image0
libxcb-keysyms.so.1        libxcb-keysyms1
libxcb-randr.so.0          libxcb-randr0
libxcb-render-util.so.0    libxcb-render-util0
libxcb-shape.so.0          libxcb-shape0
libxcb-xinerama.so.0       libxcb-xinerama0
libxcb-xkb.so.1            libxcb-xkb1
"
without_display="
/usr/bin/Xvfb              xvfb
/usr/bin/xauth             xauth
/usr/lib*/*/dri/swrast_dri.so    libgl1-mesa-dri
"

PATH=$PATH:/usr/sbin:/sbin
cache=$(ldconfig -p)

# A library's name is looked up in the linker's cache, a path's pattern on the disk.
is_there() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *) [[ $cache == *"$1 "* ]] ;;
  esac
}

missing=("$@")
needed=$libraries
[[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] || needed+=$without_display
while read -r sign package; do
  [[ -z $sign ]] || is_there "$sign" || missing+=("$package")
done <<<"$needed"
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
  echo "What these Debian packages hold seems to be missing: ${missing[*]}. If napari" \
    "does not open, install it with this system's own package manager." >&2
  exit 0
fi

as_root=(env DEBIAN_FRONTEND=noninteractive)
((EUID == 0)) || as_root=(sudo -n "${as_root[@]}")
if "${as_root[@]}" true 2>/dev/null; then
  echo "Installing system packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" \
      >/dev/null && exit 0
fi
echo "System packages are missing and could not be installed from here: type the line" \
  "below, as somebody who may, then call make again." >&2
echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
exit 1
