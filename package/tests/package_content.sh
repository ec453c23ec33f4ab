#!/usr/bin/env bash
# What the Debian package holds, without installing it: files and modes, dependencies, maintainer scripts, the unit, and a
# configuration with which the program starts.
#
#   package_content.sh PROJECT_ROOT
# shellcheck disable=SC2016,SC2317 # checks are code in single quotes, and functions called by name
set -euo pipefail

root=$(realpath "$1")
for tool in dpkg-parsechangelog file; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool makes the package"; exit 77; }
done
# shellcheck source=src/app/tests/program.sh
source "$root/src/app/tests/program.sh"
use_work_folder
failures=0

check() {
  if "${@:2}" >out 2>&1; then return; fi
  echo "FAILED $1"
  sed 's/^/    | /' out
  failures=$((failures + 1))
}
skipped() { echo "not checked, $1 is not here: $2"; }
is() { [[ $1 == "$2" ]] || { echo "'$1' instead of '$2'"; false; }; }
silent() { is "$("$@" 2>&1)" ''; }

mkdir packages
deb=$("$root/scripts/package.sh" --built --into packages | tail -n 1)
dpkg-deb --extract "$deb" files
dpkg-deb --control "$deb" control
field() { dpkg-deb --field "$deb" "$1"; }
unit=files/lib/systemd/system/paywarden.service

# --- Files: these, of these modes, all root's, and no others beside the documents and examples.

listing() {
  dpkg-deb --contents "$deb" | awk '{ print $1, $2, $6 }' | grep -v '^d' |
    grep -vE ' \./usr/share/(doc/paywarden/docs|paywarden/config)/'
}
files_expected() {
  cat <<'END'
-rw-r--r-- root/root ./etc/paywarden/blocked.list
-rw-r--r-- root/root ./etc/paywarden/paywarden.rules
-rw-r--r-- root/root ./etc/paywarden/paywarden.toml
-rw-r--r-- root/root ./lib/systemd/system/paywarden.service
-rwxr-xr-x root/root ./usr/bin/paywarden
-rwxr-xr-x root/root ./usr/bin/paywarden-loadgen
-rw-r--r-- root/root ./usr/share/doc/paywarden/README.md
-rw-r--r-- root/root ./usr/share/doc/paywarden/changelog.Debian.gz
-rw-r--r-- root/root ./usr/share/doc/paywarden/copyright
-rw-r--r-- root/root ./usr/share/lintian/overrides/paywarden
END
}
check "the files" diff <(files_expected | sort -k 3) <(listing | sort -k 3)
check "the documents" diff -r "$root/docs" files/usr/share/doc/paywarden/docs
check "the examples" diff -r "$root/config" files/usr/share/paywarden/config
check "every file of /etc is a conffile" diff <(cd files && find etc -type f | sed 's|^|/|' | sort) <(sort control/conffiles)
check "the programs are stripped" eval '[[ $(file files/usr/bin/*) != *"not stripped"* ]]'
check "no path of the machine that built it" eval '! grep -rqF "$root" files control'

# --- What it says of itself.

check "the changelog begins with this version" is "$(dpkg-parsechangelog --file "$root/package/debian/changelog" --show-field Version)" "$(field Version)"
for package in libxgboost0 libssl3 libcurl4 libsoci-sqlite3-4.0 adduser; do
  check "it depends on $package" grep -qE "(^| )$package( |,|\$)" <(field Depends)
done

# --- Maintainer scripts and unit.

check "the maintainer scripts are there, and run" test -x control/postinst -a -x control/prerm -a -x control/postrm
if command -v shellcheck >/dev/null; then check "shellcheck" shellcheck control/p*; else skipped shellcheck "maintainer scripts"; fi
for script in postinst prerm postrm; do
  check "$script refuses what it does not know" eval "! control/$script rubbish"
done

# Without the second line the log would go where standard output goes.
check "the unit keeps the password out of the journal, and the log in" is "$(grep ^Standard "$unit" | xargs)" \
  'StandardOutput=null StandardError=journal'
# The unit with a program that is there: systemd looks for it.
verify_unit() {
  sed "s|/usr/bin/paywarden|$PWD/files&|" "$unit" >"$work/paywarden.service"
  systemd-analyze verify --man=no "$work/paywarden.service"
}
if command -v systemd-analyze >/dev/null; then check "the unit" silent verify_unit; else skipped systemd-analyze "the unit"; fi
lint() { lintian "$deb" 2>&1 | grep -v 'running with root privileges'; }
if command -v lintian >/dev/null; then check "lintian" silent lint; else skipped lintian "the package"; fi

# --- The program starts with the configuration as it is shipped, without a model, and takes nothing but a port and two places.

program=$PWD/files/usr/bin/paywarden
cp -r files/etc/paywarden etc
sed -i 's|^directory = "/var/lib/paywarden"|directory = "data"|' etc/paywarden.toml
echo 'a card key for this test' >etc/card.key
start serve --config etc/paywarden.toml
check "it observes, without a model" grep -q '"event":"ready",.*"model":"none","mode":"observe"' server.log
stop

echo "$failures failed"
exit $((failures > 0))
