# shellcheck shell=bash
# A bare Debian 12 in a folder: the essential packages and apt alone (debootstrap), with the mirrors, proxies and
# certificates of this machine. To be sourced behind say.sh.
#
#   fail_if_no_machine_possible           needs root, debootstrap and unshare
#   make_machine FOLDER                   takes a minute
#   in_machine FOLDER COMMAND             a line for bash; ends with its status

RELEASE=bookworm
# What a machine behind a proxy or with certificates of its own sets for apt, npm, pip and others.
VARIABLES='^((http|https|no|all|HTTP|HTTPS|NO|ALL)_(proxy|PROXY)|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|PIP_(CERT|INDEX_URL|PROXY)|(npm_config|NPM_CONFIG)_(registry|REGISTRY|cafile|CAFILE|proxy|PROXY|https_proxy|HTTPS_PROXY))='

# The Debian mirrors of this machine, as lines of sources.list.
mirrors() {
  # shellcheck disable=SC2016 # the $(...) are apt's
  apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    grep " $RELEASE" | sort -u || true
}

debootstrap_machine() {
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

make_machine() {
  debootstrap_machine "$1"
  copy_settings "$1"
}

# Runs as the first process of the namespaces.
enter_machine() {
  local folder=$1 command=$2 environment
  mount -t proc proc "$folder/proc"
  mount --rbind /sys "$folder/sys"
  mount --rbind /dev "$folder/dev"
  mapfile -t environment < <(env | grep -E "$VARIABLES")
  exec chroot "$folder" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" /bin/bash -c "$command"
}

# Mounts and processes live in namespaces of their own, so that nothing is left of them whatever way it ends.
in_machine() {
  unshare --mount --pid --fork --kill-child --propagation private \
    bash -euo pipefail -c "VARIABLES='$VARIABLES'; $(declare -f enter_machine); enter_machine \"\$@\"" \
    bash "$(realpath "$1")" "$2"
}

fail_if_no_machine_possible() {
  local tool
  [[ $(id -u) == 0 ]] || fail "a bare Debian is made by root: run this as root"
  for tool in debootstrap unshare; do
    command -v "$tool" >/dev/null || fail "$tool is not here: apt-get install $tool"
  done
}
