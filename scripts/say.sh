# shellcheck shell=bash
# How the scripts speak: one line of progress, or one line of error that says what to do.
#
#   source scripts/say.sh
#   say "building (release)"                          ==> building (release)
#   fail "no network: connect, then run this again"   paywarden: no network: ...   (exit 1)
#   fail_if_disk_full /var /tmp
#   minutes=$(elapsed "$start")                       start=$SECONDS

say() { printf '==> %s\n' "$*"; }

fail() {
  printf 'paywarden: %s\n' "$*" >&2
  exit 1
}

# Below this a failed write is taken for a full disk.
DISK_FREE_MIN_MIB=64

# fail_if_disk_full FOLDER...: to be called after something failed, since a tool's own words about it are often lost.
fail_if_disk_full() {
  local folder free
  for folder in "$@"; do
    free=$(df --output=avail --block-size=1M "$folder" 2>/dev/null | tail -n 1) || continue
    if ((free < DISK_FREE_MIN_MIB)); then
      fail "disk full: $folder has $((free)) MiB left; make room (a build and its packages take about 4 GiB), then run this again"
    fi
  done
}

elapsed() {
  local seconds=$((SECONDS - $1))
  printf '%d min %02d s' $((seconds / 60)) $((seconds % 60))
}
