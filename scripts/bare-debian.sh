#!/usr/bin/env bash
# Tries the clone on a bare Debian 12: makes one in FOLDER (debootstrap, the essential packages and apt alone), copies
# in a clone of the commit at HEAD, with the mirrors, proxies and certificates of this machine, and runs COMMAND there.
# Its mounts and processes live in namespaces of their own, so that nothing is left of them whatever way it ends; the
# folder stays, to be looked at. Needs root, debootstrap and git. Ends with the status of COMMAND.
#
#   scripts/bare-debian.sh FOLDER                       ./run --for 30s && ./test unit
#   scripts/bare-debian.sh FOLDER './test faults'
#   scripts/bare-debian.sh --again FOLDER './run --for 30s'    in the machine as it was left, the clone brought to HEAD
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"

RELEASE=bookworm
CLONE=/root/paywarden
# What a machine behind a proxy or with certificates of its own sets for apt, npm, pip and others.
VARIABLES='^((http|https|no|all|HTTP|HTTPS|NO|ALL)_(proxy|PROXY)|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|PIP_(CERT|INDEX_URL|PROXY)|(npm_config|NPM_CONFIG)_(registry|REGISTRY|cafile|CAFILE|proxy|PROXY|https_proxy|HTTPS_PROXY))='

# The Debian mirrors of this machine, as lines of sources.list.
mirrors() {
  # shellcheck disable=SC2016 # the $(...) are apt's
  apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    grep " $RELEASE" | sort -u || true
}

make_machine() {
  local folder=$1 mirror
  mirror=$(mirrors | awk -v release="$RELEASE" '$3 == release { print $2; exit }')
  say "making a bare Debian ($RELEASE) in $folder"
  # Without a mirror of ours debootstrap takes its own.
  debootstrap --variant=minbase "$RELEASE" "$folder" ${mirror:+"$mirror"} | sed -n 's/^I: /    /p' | awk 'NR % 50 == 0' ||
    fail "debootstrap failed: $folder/debootstrap/debootstrap.log says why"
}

copy_if_present() {
  if [[ -e $1 ]]; then
    mkdir -p "$(dirname "$2")"
    cp -rL "$1" "$2"
  fi
}

# The network as this machine sees it.
copy_settings() {
  local folder=$1 lines
  lines=$(mirrors)
  if [[ -n $lines ]]; then echo "$lines" >"$folder/etc/apt/sources.list"; fi
  apt-config dump | grep -E '^Acquire::(https?::|ftp::|Check-|Retries|ForceIPv)' >"$folder/etc/apt/apt.conf.d/90network" || true
  copy_if_present /etc/resolv.conf "$folder/etc/resolv.conf"
  copy_if_present /etc/hosts "$folder/etc/hosts"
  copy_if_present /usr/local/share/ca-certificates "$folder/usr/local/share"
  copy_if_present /etc/npmrc "$folder/etc/npmrc"
  copy_if_present "$HOME/.npmrc" "$folder/root/.npmrc"
  copy_if_present /etc/pip.conf "$folder/etc/pip.conf"
}

copy_clone() {
  say "copying a clone of $(git -C "$root" log -1 --format='%h %s')"
  git clone --quiet --no-hardlinks "$root" "$1$CLONE"
}

update_clone() {
  say "bringing the clone to $(git -C "$root" log -1 --format='%h %s')"
  git -C "$1$CLONE" fetch --quiet "$root" HEAD
  git -C "$1$CLONE" checkout --quiet --force --detach FETCH_HEAD
}

# Runs as the first process of the namespaces.
run_inside() {
  local folder=$1 command=$2 environment
  mount -t proc proc "$folder/proc"
  mount --rbind /sys "$folder/sys"
  mount --rbind /dev "$folder/dev"
  mapfile -t environment < <(env | grep -E "$VARIABLES")
  exec chroot "$folder" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" \
    /bin/bash -c "cd $CLONE && $command"
}

fail_if_not_possible() {
  local tool
  [[ $(id -u) == 0 ]] || fail "a bare Debian is made by root: run this as root"
  for tool in debootstrap git unshare; do
    command -v "$tool" >/dev/null || fail "$tool is not here: apt-get install $tool"
  done
}

main() {
  local again='' folder command status=0 start=$SECONDS
  if [[ ${1:-} == --inside ]]; then run_inside "$2" "$3"; fi
  if [[ ${1:-} == --again ]]; then again=1 && shift; fi
  folder=${1:-} command=${2:-'./run --for 30s && ./test unit'}
  [[ -n $folder ]] || fail "name a folder for the machine: scripts/bare-debian.sh FOLDER [COMMAND]"
  fail_if_not_possible
  if [[ -z $again ]]; then
    [[ -z $(ls -A "$folder" 2>/dev/null) ]] || fail "$folder is not empty: remove it for a bare machine, or say --again"
    make_machine "$folder"
    copy_settings "$folder"
    copy_clone "$folder"
  else
    update_clone "$folder"
  fi
  say "running there: $command"
  unshare --mount --pid --fork --kill-child --propagation private "$0" --inside "$(realpath "$folder")" "$command" || status=$?
  say "ended with $status after $(elapsed "$start"); the machine takes $(du -sh --one-file-system "$folder" | cut -f1)"
  exit "$status"
}

main "$@"
