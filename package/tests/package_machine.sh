#!/usr/bin/env bash
# The Debian package in the hands of an operator, on a bare Debian 12 made for it: installed, configured, run as its unit would
# run it, upgraded, removed, installed again, purged.
#
#   package_machine.sh PROJECT_ROOT
#
# systemd does not run there. The program is started by the unit's own lines (ExecStart, User, UMask, directories), without
# capabilities, without new privileges, and with everything but its two directories read-only. What the maintainer scripts ask
# of systemd is seen by a systemctl that writes down its calls.
# shellcheck disable=SC2016,SC2317 # checks are code in single quotes, and functions called by name
set -euo pipefail

root=$(realpath "$1")
for tool in dpkg-parsechangelog file debootstrap unshare curl; do
  command -v "$tool" >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
if [[ $(id -u) != 0 ]] || ! unshare --mount --pid --fork true; then echo "skipped: only root makes a machine" && exit 77; fi
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"
# shellcheck source=scripts/bare-machine.sh
source "$root/scripts/bare-machine.sh"
# shellcheck source=src/app/tests/program.sh
source "$root/src/app/tests/program.sh"
use_work_folder
machine=$work/machine
started=$SECONDS
failures=0

check() {
  local status=0
  "${@:2}" >out 2>&1 || status=$?
  if ((status == 0)); then echo "ok      $1"; else
    echo "FAILED  $1 (status $status)"
    sed 's/^/        | /' out
    failures=$((failures + 1))
  fi
}
is() { [[ $1 == "$2" ]] || { echo "'$1' instead of '$2'"; false; }; }

inside() { in_machine "$machine" "$*"; }
as_paywarden() { inside "runuser -u paywarden -- paywarden $*"; }
config='--config /etc/paywarden/paywarden.toml'

# --- The program, as the unit says.

unit_value() { sed -n "s/^$1=//p" "$machine/lib/systemd/system/paywarden.service"; }

# Runs with mounts of its own, and becomes the program.
become_unit() {
  local machine=$1 user=$2 umask=$3 directory=$4
  shift 4
  mount --bind "$machine" "$machine"
  mount --bind "$machine/var/lib/paywarden" "$machine/var/lib/paywarden"
  mount --bind "$machine/run/paywarden" "$machine/run/paywarden"
  mount --rbind /dev "$machine/dev"
  mount -t proc proc "$machine/proc"
  mount -o remount,bind,ro "$machine"
  umask "$umask"
  exec chroot "$machine" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 \
    setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    /usr/bin/env --chdir="$directory" "$@"
}

start_unit() {
  local command
  read -ra command <<<"$(unit_value ExecStart)"
  rm -rf "$machine/run/paywarden"
  inside "install -d -o $(unit_value User) -g $(unit_value User) -m $(unit_value RuntimeDirectoryMode) /run/paywarden"
  ln -sf "$machine/run/paywarden/ready" ready
  unshare --mount --propagation private bash -euo pipefail -c "$(declare -f become_unit); become_unit \"\$@\"" bash \
    "$machine" "$(unit_value User)" "$(unit_value UMask)" "$(unit_value WorkingDirectory)" "${command[@]}" >/dev/null 2>>server.log &
  server=$!
  wait_until_ready
}

# --- Payments.

time=$(date -u +%Y-%m-%dT%H:%M:%SZ)
payment() {
  printf '{"payment_id":"%s","event_time":"%s","card":"4111111111111111","merchant":"M-1","amount":"12.50","currency":"EUR"}' "$1" "$time"
}
# send ID: the answer, then its status.
send() { curl -sS -H "Authorization: Bearer $(cat intake.key)" -w '\n%{http_code}\n' -d "$(payment "$1")" "$url/v1/payments"; }
decision() { curl -sS -f -H "Authorization: Bearer $(cat reader.key)" "$url/v1/decisions/$1"; }
# (What check calls must say itself where it ends: it runs without -e.)
# decided ID...: sends each for the first time.
decided() {
  local id
  for id in "$@"; do
    send "$id" >"answer.$id"
    is "$(tail -n 1 "answer.$id")" 200 && decision "$id" >"decision.$id" || return
  done
}
# answered_as_before ID...: the same payment gets the same decision, and it is found by its id.
answered_as_before() {
  local id
  for id in "$@"; do
    is "$(send "$id" | tail -n 1)" 200 && decision "$id" | diff "decision.$id" - || return
  done
}

# --- An operator's day.

state() { inside "dpkg-query --show --showformat '\${db:Status-Abbrev}\${Version}' paywarden" || true; }
user_exists() { grep -q '^paywarden:' "$machine/etc/passwd"; }
program_gone() { [[ ! -e $machine/usr/bin/paywarden && ! -e $machine/lib/systemd/system/paywarden.service ]]; }
data_and_config_kept() {
  grep -q '^port = 0' "$machine/etc/paywarden/paywarden.toml" &&
    cmp card.key "$machine/etc/paywarden/card.key" &&
    is "$(inside "stat -c '%a %U:%G' /etc/paywarden")" '750 root:paywarden' &&
    cmp card-key.fingerprint "$machine/var/lib/paywarden/card-key.fingerprint" &&
    ls "$machine"/var/lib/paywarden/journal/*.pwj && user_exists
}

make_packages() {
  mkdir first next
  first=$("$root/scripts/package.sh" --built --into first | tail -n 1)
  next=$("$root/scripts/package.sh" --built --into next --version 99.0.0 | tail -n 1)
}

test_install() {
  make_machine "$machine" >/dev/null
  cp "$first" "$machine/root/first.deb"
  cp "$next" "$machine/root/next.deb"
  inside 'apt-get -q update' >apt.log 2>&1
  echo "made a machine in $(elapsed "$started")"
  check "it is installed" inside 'DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends /root/first.deb'
  cp out install.log
  check "it says that it is not started, and how it will be" grep -q 'is not started' install.log
  check "the data directory is its user's alone" is "$(inside "stat -c '%a %U:%G' /var/lib/paywarden")" '700 paywarden:paywarden'
  check "the configuration is not everybody's" is "$(inside "stat -c '%a %U:%G' /etc/paywarden /etc/paywarden/card.key" | xargs)" \
    '750 root:paywarden 640 root:paywarden'
  check "a card key is made" is "$(wc -c <"$machine/etc/paywarden/card.key")" 64
  cp "$machine/etc/paywarden/card.key" card.key
}

test_configure() {
  sed -i 's/^port = 8080/port = 0/' "$machine/etc/paywarden/paywarden.toml"
  inside 'install -o paywarden -m 0600 /dev/null /run/admin.password && echo chosen by its operator >/run/admin.password'
  check "admin gets a chosen password" as_paywarden user add "$config" --name admin --role admin --password-file /run/admin.password
  for role in intake reader; do (umask 077 && as_paywarden key create "$config" --name "$role" --role "$role" >"$role.key"); done
}

# As docs/OPERATIONS.md has it; the history is simulated.
test_first_model() {
  inside 'paywarden simulate --payments 20000 --customers 300 --out /srv/history.ndjson' 2>simulate.log
  inside 'install -d -o paywarden /srv/models'
  check "a first model is trained" as_paywarden train "$config" --data /srv/history.ndjson --out /srv/models/first
  check "history goes into the log" as_paywarden backfill "$config" --data /srv/history.ndjson
  sed -i -E 's/^# (\[model\]|directory = .*)/\1/' "$machine/etc/paywarden/paywarden.toml"
}

test_run() {
  start_unit
  check "no password is made where one was chosen" is "$(sed -n 2p ready)" ''
  check "the ready file is nobody else's" is "$(stat -c %a "$machine/run/paywarden/ready")" 600
  check "it observes, with the model" grep -q '"event":"ready",.*"model":"first","mode":"observe"' server.log
  check "payments are decided" decided one two three
  check "a reload is heard" eval 'MAINPID=$server bash -c "$(unit_value ExecReload)" && sleep 1 && grep -q nothing_to_reload server.log'
  check "a file that it has made is its own" is "$(inside "stat -c '%a %U' /var/lib/paywarden/center.db")" '600 paywarden'
  cp "$machine/var/lib/paywarden/card-key.fingerprint" .
}

test_upgrade() {
  check "a newer version is installed over a running one" inside 'dpkg -i /root/next.deb'
  check "it is there" is "$(state)" 'ii 99.0.0-1'
  check "the old one answers until it is restarted" answered_as_before one
  stop
  start_unit
  check "data and configuration are kept" data_and_config_kept
  check "what was decided is answered as before" answered_as_before one two three
  check "new payments are decided" decided four
  stop
}

test_remove() {
  check "it is removed" inside 'dpkg -r paywarden'
  check "the program is gone" program_gone
  check "data and configuration stay" data_and_config_kept
  check "it is installed again" inside 'dpkg -i /root/next.deb'
  cp out install.log
  check "it does not speak as on the first day" eval '! grep -q "is not started" install.log'
  check "data and configuration are still there" data_and_config_kept
  start_unit
  check "what was decided before the removal is answered" answered_as_before one four
  stop
}

# What the scripts ask of a systemd that runs.
called() { is "$(sed 's/--system //' "$machine/root/systemctl.calls" | xargs)" "$*" && rm "$machine/root/systemctl.calls"; }
test_with_systemd() {
  printf '#!/bin/sh\necho "$*" >>/root/systemctl.calls\n' >"$machine/usr/local/bin/systemctl"
  chmod +x "$machine/usr/local/bin/systemctl"
  # /run is not mounted there: what is made here stays until it is removed.
  mkdir -p "$machine/run/systemd/system"
  check "an upgrade with systemd" inside 'dpkg -i /root/next.deb'
  check "restarts what runs" called daemon-reload try-restart paywarden.service
  check "a removal with systemd" inside 'dpkg -r paywarden'
  check "stops it" called stop paywarden.service daemon-reload
  rm -r "$machine/run/systemd" "$machine/usr/local/bin/systemctl"
}

test_purge() {
  mkdir -p "$machine/etc/systemd/system/multi-user.target.wants"
  ln -s /lib/systemd/system/paywarden.service "$machine/etc/systemd/system/multi-user.target.wants/"
  check "it is purged" inside 'dpkg --purge paywarden'
  check "nothing of it is left" is "$(find "$machine" -xdev -name '*paywarden*' -not -path '*/var/log/*' -not -path '*/var/lib/apt/*')" ''
  check "nor its user" eval '! user_exists && ! grep -q "^paywarden:" "$machine/etc/group"'
  check "the first day comes again" inside 'dpkg -i /root/first.deb'
  check "with another card key" eval '! cmp card.key "$machine/etc/paywarden/card.key" && [[ -s $machine/etc/paywarden/card.key ]]'
}

make_packages
test_install
test_configure
test_first_model
test_run
test_upgrade
test_remove
test_with_systemd
test_purge
echo "$failures failed after $(elapsed "$started")"
exit $((failures > 0))
