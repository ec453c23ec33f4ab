#!/usr/bin/env bash
# Power cuts under a running server lose nothing that was acknowledged and show nothing that is later gone: power_cut.py, with 4
# cuts, or 20 in the soak. Skipped (77) where there is no root or no loop device.
#
#   power_cut_faults.sh PROGRAM PROJECT_ROOT [soak|short [OPTIONS OF power_cut.py]]
set -euo pipefail

program=$1 root=$2 rounds=4
if [[ ${3:-} == soak ]]; then rounds=20; fi
if [[ $(id -u) != 0 ]]; then
  echo "skipped: cutting the power of a file system needs root"
  exit 77
fi
# In a mount namespace of its own: a copy of the mount in somebody else's would keep the dead file system alive.
exec unshare --mount python3 "$(dirname "${BASH_SOURCE[0]}")/power_cut.py" "$program" "$root" --rounds "$rounds" "${@:4}"
