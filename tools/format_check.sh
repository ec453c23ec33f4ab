#!/usr/bin/env bash
# format_check.sh ROOT: every C++ file stands as clang-format writes it (.clang-format); says what to do where one does not.
# Another version of clang-format than Debian 12's breaks lines differently: then, and without it, skipped (77).
set -euo pipefail
cd "$1"

VERSION='version 14.'
if ! clang-format --version 2>/dev/null | grep -q "$VERSION"; then
  echo "skipped: there is no clang-format of $VERSION"
  exit 77
fi
wrong=$(find src tools \( -name '*.cc' -o -name '*.h' \) -print0 | xargs -0 -n 40 -P "$(nproc)" clang-format --dry-run 2>&1 |
  sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: warning: code should be.*/\1/p' | sort -u)
[[ -z $wrong ]] && exit 0
echo "$wrong"
echo "not as clang-format writes them; run: clang-format -i THE FILES"
exit 1
