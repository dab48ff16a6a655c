#!/usr/bin/env bash
# Proves that a fresh clone works on a bare machine: a minimal Debian with git, make and
# python3, and nothing else, in a folder of its own. Needs root and debootstrap.
#
#   scripts/bare_machine.sh [-s SUITE] [-m MIRROR] [-b PATH]... FOLDER [COMMAND...]
#
#   -s SUITE   bookworm (the default), trixie, noble, ...
#   -m MIRROR  where debootstrap finds the packages; its own default otherwise
#   -b PATH    a file or folder of this machine to show there, read-only: pip's
#              settings, a folder of wheels, certificates
#   FOLDER     the machine; made when it does not exist, kept afterwards
#   COMMAND    run in a fresh clone of the last commit; `make test` by default
set -euo pipefail

suite=bookworm mirror="" shown=()
while getopts "s:m:b:" option; do
  case $option in
    s) suite=$OPTARG ;;
    m) mirror=$OPTARG ;;
    b) shown+=("$OPTARG") ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
folder=${1:?usage: bare_machine.sh [-s SUITE] [-m MIRROR] [-b PATH]... FOLDER [COMMAND...]}
shift
(($#)) || set -- make test
repository=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)

if [[ ! -e $folder/.ready ]]; then
  debootstrap --variant=minbase --include=git,make,python3 "$suite" "$folder" \
    ${mirror:+"$mirror"}
  touch "$folder/.ready"
fi
rm -rf "$folder/root/napari-unet"
git clone --quiet "$repository" "$folder/root/napari-unet"

# Of the environment only what package downloads need goes along.
passed=(HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin)
while IFS= read -r line; do passed+=("$line"); done < <(env | grep -iE '^(PIP_|[a-z]+_proxy=)')

# In a mount namespace of its own, so that the mounts end with the command.
export folder
unshare --mount --pid --fork bash -euo pipefail -s -- \
  "${#shown[@]}" "${shown[@]}" "${passed[@]}" -- "$@" <<'INSIDE'
count=$1
shift
mount -t proc proc "$folder/proc"
mount --rbind /dev "$folder/dev"
for path in "${@:1:count}"; do
  if [[ -d $path ]]; then
    mkdir -p "$folder$path"
  else
    mkdir -p "$folder$(dirname "$path")"
    touch "$folder$path"
  fi
  mount --bind "$path" "$folder$path"
  mount -o remount,bind,ro "$folder$path"
done
shift "$count"
variables=()
while [[ $1 != -- ]]; do
  variables+=("$1")
  shift
done
shift
exec chroot "$folder" env -i "${variables[@]}" \
  sh -c 'cd /root/napari-unet && exec "$@"' sh "$@" </dev/null
INSIDE
