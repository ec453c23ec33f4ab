#!/usr/bin/env bash
# Tries the clone on a bare Debian 12: makes one in FOLDER (debootstrap, the essential packages and apt alone), copies
# in a clone of the commit at HEAD, with the mirrors, proxies and certificates of this machine (scripts/bare-machine.sh),
# and runs COMMAND there. The folder stays, to be looked at. Needs root, debootstrap and git. Ends with the status of COMMAND.
#
#   scripts/bare-debian.sh FOLDER                       ./run --for 30s && ./test unit
#   scripts/bare-debian.sh FOLDER './test faults'
#   scripts/bare-debian.sh --again FOLDER './run --for 30s'    in the machine as it was left, the clone brought to HEAD
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"
# shellcheck source=scripts/bare-machine.sh
source "$root/scripts/bare-machine.sh"

CLONE=/root/paywarden

copy_clone() {
  say "copying a clone of $(git -C "$root" log -1 --format='%h %s')"
  git clone --quiet --no-hardlinks "$root" "$1$CLONE"
}

update_clone() {
  say "bringing the clone to $(git -C "$root" log -1 --format='%h %s')"
  git -C "$1$CLONE" fetch --quiet "$root" HEAD
  git -C "$1$CLONE" checkout --quiet --force --detach FETCH_HEAD
}

main() {
  local again='' folder command status=0 start=$SECONDS
  if [[ ${1:-} == --again ]]; then again=1 && shift; fi
  folder=${1:-} command=${2:-'./run --for 30s && ./test unit'}
  [[ -n $folder ]] || fail "name a folder for the machine: scripts/bare-debian.sh FOLDER [COMMAND]"
  fail_if_no_machine_possible
  command -v git >/dev/null || fail "git is not here: apt-get install git"
  if [[ -z $again ]]; then
    [[ -z $(ls -A "$folder" 2>/dev/null) ]] || fail "$folder is not empty: remove it for a bare machine, or say --again"
    make_machine "$folder"
    copy_clone "$folder"
  else
    update_clone "$folder"
  fi
  say "running there: $command"
  in_machine "$folder" "cd $CLONE && $command" || status=$?
  say "ended with $status after $(elapsed "$start"); the machine takes $(du -sh --one-file-system "$folder" | cut -f1)"
  exit "$status"
}

main "$@"
