# What the tests of the program share: a folder of their own, which goes at the end, and one running server at a time. To be
# sourced by a script that has set `program`, the program's path.
# shellcheck shell=bash disable=SC2034,SC2154 # `program` is the script's, `url` is for it

server='' work='' url=''
server_log=server.log  # where the server's words go

leave() {
  if [[ -n $server ]]; then
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}

use_work_folder() {
  work=$(mktemp -d)
  trap leave EXIT
  cd "$work" || exit
}

# small_demo ROOT: the demo's configuration here, with data of its own, a model that is trained in a second, and no payments but
# those that are sent.
small_demo() {
  cp "$1"/config/demo* .
  sed -i -E 's|^directory = ".*demo/model"|directory = "model"|; s/^rate = .*/rate = 0/; s/^trees = .*/trees = 10/' demo.toml
  printf '\n[data]\ndirectory = "data"\ndisk_free_min = "64MiB"\n' >>demo.toml
}

# Until `server` has written the file `ready`, whose first line is the `url`.
wait_until_ready() {
  for _ in $(seq 3000); do
    [[ -s ready ]] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [[ -s ready ]] || { cat "$server_log"; echo "the program did not become ready"; exit 1; }
  url=$(sed -n 1p ready)
}

# start ARGUMENT...: the program with those arguments.
start() {
  rm -f ready
  "$program" "$@" --port 0 --ready-file ready >>"$server_log" 2>&1 &
  server=$!
  wait_until_ready
}

# In order, with 0.
stop() {
  local status=0
  kill -TERM "$server"
  wait "$server" || status=$?
  server=
  [[ $status == 0 ]] || { cat "$server_log"; echo "the program ended with $status"; exit 1; }
}

# start_s3 PYTHON ROOT: an S3 server with a bucket `bank-archive`; sets its `port` and the credentials. Ends with this script, which
# holds its input open.
start_s3() {
  coproc S3 { exec "$1" "$2/src/archive/s3_server.py" bank-archive; }
  read -r port AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY _ <&"${S3[0]}"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}
