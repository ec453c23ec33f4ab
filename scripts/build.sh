#!/usr/bin/env bash
# Configures and builds a preset of CMakePresets.json in build/PRESET, as parallel as processors and memory allow. With
# nothing to do it takes a second or two.
#
#   scripts/build.sh PRESET [TARGET...]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"

# The largest of our sources take about 1 GiB in g++ 12, more with a sanitizer.
JOB_MEMORY_MIB=1536

memory_available_mib() {
  awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
}

# The limit of the container, where it has one; a huge number where not.
memory_limit_mib() {
  local file limit
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    limit=$(cat "$file" 2>/dev/null) || continue
    # 19 digits: "no limit" of cgroup v1.
    if [[ $limit =~ ^[0-9]{1,18}$ ]]; then
      echo $((limit / 1048576))
      return
    fi
  done
  echo 1000000000
}

jobs_count() {
  local jobs memory limit
  jobs=$(nproc)
  memory=$(memory_available_mib)
  limit=$(memory_limit_mib)
  if ((limit < memory)); then memory=$limit; fi
  if ((jobs > memory / JOB_MEMORY_MIB)); then jobs=$((memory / JOB_MEMORY_MIB)); fi
  echo $((jobs > 0 ? jobs : 1))
}

# ninja runs cmake itself when a CMakeLists.txt changes, but not for a change of the presets.
configure() {
  local log=build/$1/configure.log
  if [[ build/$1/build.ninja -nt CMakePresets.json ]]; then return; fi
  say "configuring ($1)"
  mkdir -p "build/$1"
  if ! cmake --preset "$1" >"$log" 2>&1; then
    cat "$log" >&2
    fail_if_disk_full .
    fail "cmake could not configure $1: see the first error above (also in $log)"
  fi
}

build() {
  local jobs start=$SECONDS preset=$1
  shift
  jobs=$(jobs_count)
  say "building ($preset, $jobs at a time)"
  if ! cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}; then
    fail_if_disk_full . "${TMPDIR:-/tmp}"
    fail "the build ($preset) failed: see the first error above"
  fi
  say "built in $(elapsed "$start")"
}

main() {
  cd "$root"
  configure "$1"
  build "$@"
}

main "$@"
