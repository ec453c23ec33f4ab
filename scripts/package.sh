#!/usr/bin/env bash
# Makes the Debian package of a release build (cmake/Package.cmake) and prints its path as the last line. Packed again,
# a build gives the same bytes: times in it are those of package/debian/changelog.
#
#   scripts/package.sh                      into build/package
#   scripts/package.sh --built              of what build/release holds already
#   scripts/package.sh --version 0.1.1      another number than that of CMakeLists.txt, to try an upgrade
#   scripts/package.sh --into FOLDER
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"

read_command_line() {
  built='' into=$root/build/package options=()
  while (($# > 0)); do
    case $1 in
      --built) built=1 ;;
      --into) into=$(realpath "${2:?"--into wants a folder"}") && shift ;;
      --version) options+=(-R "${2:?"--version wants a number"}") && shift ;;
      *) fail "there is no option '$1': scripts/package.sh [--built] [--version V] [--into FOLDER]" ;;
    esac
    shift
  done
}

pack() {
  local log=$into/cpack.log
  say "packing"
  mkdir -p "$into"
  rm -f "$into"/paywarden_*.deb
  SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --file package/debian/changelog --show-field Timestamp)
  export SOURCE_DATE_EPOCH
  if ! cpack -G DEB --config build/release/CPackConfig.cmake -B "$into" "${options[@]}" >"$log" 2>&1; then
    cat "$log" >&2
    fail_if_disk_full "$into"
    fail "cpack could not make the package: see the first error above (also in $log)"
  fi
  rm -rf "$into/_CPack_Packages"
}

main() {
  read_command_line "$@"
  cd "$root"
  scripts/install.sh package
  if [[ -z $built ]]; then scripts/build.sh release paywarden paywarden-loadgen; fi
  [[ -x build/release/paywarden ]] || fail "nothing is built: leave --built out, or run scripts/build.sh release first"
  pack
  ls "$into"/paywarden_*.deb
}

main "$@"
