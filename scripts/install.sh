#!/usr/bin/env bash
# Installs the Debian packages that are absent: those of scripts/packages-build.txt, and those that the named labels of
# tests need (scripts/packages-test.txt). With nothing absent it takes some 50 ms and needs neither root nor network.
#
#   scripts/install.sh [LABEL...]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"
log=$root/build/install.log

# Vite 6 runs on this one and later ones.
NODE_MAJOR_MIN=18
# Another apt (unattended upgrades) is given this long to end.
APT_LOCK_WAIT_S=300

packages_wanted() {
  local label
  sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/scripts/packages-build.txt"
  for label in "$@"; do
    awk -v label="$label" '$1 == label { print $2 }' "$root/scripts/packages-test.txt"
  done
}

has_own_node() { command -v node >/dev/null && command -v npm >/dev/null; }

# A Node.js that came another way than through apt stays: Debian's would stand beside it, or replace it.
without_node_if_present() {
  if has_own_node; then grep -vxE 'nodejs|npm'; else cat; fi
}

packages_absent() {
  local wanted installed
  wanted=$(packages_wanted "$@" | without_node_if_present | sort -u)
  # dpkg-query ends with 1 when it does not know a package: then that package is absent.
  # shellcheck disable=SC2086 # one argument a package
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
    awk '$1 == "installed" { print $2 }' | sort -u) || true
  comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

fail_if_too_old() {
  local ID='' VERSION_ID='' PRETTY_NAME=''
  # shellcheck disable=SC1090,SC1091
  source "${PAYWARDEN_OS_RELEASE:-/etc/os-release}" 2>/dev/null || return 0
  local oldest=
  case $ID in
    debian) oldest=12 ;;
    ubuntu) oldest=24 ;;
  esac
  if [[ -n $oldest && -n $VERSION_ID ]] && ((${VERSION_ID%%.*} < oldest)); then
    fail "$PRETTY_NAME is too old: Paywarden needs Debian 12 (or Ubuntu 24.04) or newer"
  fi
}

# Sets `as_root` to the words that stand before a command which needs root.
find_root() {
  as_root=()
  if [[ $(id -u) == 0 ]]; then return; fi
  command -v sudo >/dev/null || fail "packages are absent, and this is neither root nor is sudo there: as root, run: apt-get install $*"
  # Without a terminal nobody can type a password.
  if ! sudo -n true 2>/dev/null && [[ ! -t 0 ]]; then
    fail "packages are absent, and sudo wants a password: run this in a terminal, or as root: apt-get install $*"
  fi
  as_root=(sudo)
}

# Tells of every tenth part from apt's status lines (`pmstatus:package:percent:text`), a line each: npm alone has 400
# packages, too many to name.
show_progress() {
  local line kind tenth last=
  while IFS= read -r line; do
    if [[ ! $line =~ ^(dlstatus|pmstatus):.*:([0-9]+)\.[0-9]+: ]]; then continue; fi
    kind=${BASH_REMATCH[1]/dlstatus/fetching  }
    tenth=$((BASH_REMATCH[2] / 10))
    if [[ $kind$tenth != "$last" ]]; then printf '    %s %3d %%\n' "${kind/pmstatus/installing}" $((tenth * 10)); fi
    last=$kind$tenth
  done
}

# apt-get with its words in the log and its progress on the terminal. The progress comes on standard output, among
# its other words: sudo closes every further descriptor.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o APT::Status-Fd=1 \
    -o "DPkg::Lock::Timeout=$APT_LOCK_WAIT_S" -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    "$@" </dev/null 2>&1 | tee -a "$log" | show_progress
}

# apt-get update ends with 0 when a mirror is away, unless told otherwise.
apt_update() {
  say "fetching the lists of packages"
  apt -o APT::Update::Error-Mode=any update
}

apt_install() { apt install --no-install-recommends "$@"; }

lists_are_there() { compgen -G "${PAYWARDEN_APT_LISTS:-/var/lib/apt/lists}/*_Packages*" >/dev/null; }

lists_may_be_old() {
  grep -qE '404 +Not Found|Unable to locate package|no installation candidate|unmet dependencies|Failed to fetch' "$log"
}

# Says in one line what apt said in a hundred.
fail_of_apt() {
  local absent
  fail_if_disk_full /var/cache/apt /var/lib /usr "$root"
  if grep -qE "No space left on device|don't have enough free space" "$log"; then
    fail "disk full: apt needs more room than /var and /usr have; make room, then run this again ($log)"
  fi
  if grep -qE 'Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Connection (timed out|failed|refused)|Network is unreachable' "$log"; then
    fail "no network: the package mirror of /etc/apt cannot be reached; connect (or set its proxy), then run this again ($log)"
  fi
  absent=$(sed -nE "s/^E: (Unable to locate package |Package ')([^' ]*).*/\2/p" "$log" | sort -u | paste -sd ' ')
  if [[ -n $absent ]]; then
    fail "this distribution has no package $absent: Paywarden needs Debian 12 (bookworm, section main) or newer ($log)"
  fi
  fail "apt-get failed: $(grep -E '^(E:|dpkg: error)' "$log" | tail -n 1); see $log, put it right, then run this again"
}

retry_with_new_lists() {
  lists_may_be_old || fail_of_apt
  : >"$log"
  apt_update || fail_of_apt
  apt_install "$@" || fail_of_apt
}

fail_if_node_too_old() {
  local version
  version=$(node --version 2>/dev/null) || fail "node does not run: $(command -v node || echo 'it is not on the PATH'); remove it or put it right"
  version=${version#v}
  if ((${version%%.*} < NODE_MAJOR_MIN)); then
    fail "$(command -v node) is $version: the page needs Node.js $NODE_MAJOR_MIN or newer; update it, or remove it and Debian's is installed"
  fi
}

main() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "apt-get is not here: these scripts install Debian packages; on another system install what scripts/packages-build.txt names, then: cmake --preset release && cmake --build --preset release"
  fi
  local absent start=$SECONDS
  mapfile -t absent < <(packages_absent "$@")
  if ((${#absent[@]} > 0)); then
    fail_if_too_old
    find_root "${absent[@]}"
    mkdir -p "$(dirname "$log")"
    : >"$log"
    lists_are_there || apt_update || fail_of_apt
    say "installing what is absent (${#absent[@]}): ${absent[*]}"
    apt_install "${absent[@]}" || retry_with_new_lists "${absent[@]}"
    say "installed in $(elapsed "$start")"
  fi
  fail_if_node_too_old
}

main "$@"
