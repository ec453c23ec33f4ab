#!/usr/bin/env bash
# Runs real Apache Kafka (build/kafka, by scripts/kafka-fetch.sh) for a test, on loopback, with all it writes in the folder DIR.
#
#   scripts/kafka.sh start DIR [--brokers 1|3] [--sasl] [--owner PID] [KEY=VALUE...]
#       Starts brokers 1, 2, ... with those settings beside the ones below, and ends when they serve. DIR/bootstrap then holds
#       their addresses (HOST:PORT,...), without TLS and with every right; DIR/kafka-N.log what broker N says, DIR/kafka-N.pid its
#       process while it runs. With --sasl there is also DIR/bootstrap-sasl: SASL_SSL (PLAIN, SCRAM-SHA-256), for the users
#       paywarden (every right) and reader (may read every topic and group, no more), whose passwords are paywarden-secret
#       and reader-secret; DIR/ca.pem signs the certificate. (librdkafka before 2.6.1, Debian 12's too, repeats a nonce in SCRAM
#       that Kafka 4 does not take: there only PLAIN works.) The brokers end with the process PID, by default the caller: say
#       --owner $$ where the caller is a subshell or `timeout`. Ends with 77, ctest's word for skipped, where build/kafka is absent.
#   scripts/kafka.sh topics DIR NAME:PARTITIONS[:KEY=VALUE]...
#   scripts/kafka.sh allow|deny DIR USER OPERATION topic|group|cluster|transaction NAME     NAME '*' is all of them
#   scripts/kafka.sh hang DIR GROUP TRANSACTIONAL_ID TOPIC OFFSET    the first broker forgets to end a transaction that commits that
#       offset of the topic's partition 0; started with transaction.partition.verification.enable=false
#   scripts/kafka.sh kill|pause|resume DIR N       SIGKILL, SIGSTOP, SIGCONT to broker N
#   scripts/kafka.sh restart DIR [N...]            brokers N, or all, ended in order if they run; same ports, same data
#   scripts/kafka.sh stop DIR                      ends all at once, by SIGKILL: what they hold is not needed again
#
# More memory or the full compiler, for a measurement: _JAVA_OPTIONS="-Xmx1g -XX:TieredStopAtLevel=4" scripts/kafka.sh start ...
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/say.sh
source "$root/scripts/say.sh"
kafka=$root/build/kafka

# A broker needs 3 s on a machine with nothing else to do.
START_S_MAX=120
# In order takes 1 s; a broker that has lost its controllers would wait for ever.
END_S_MAX=15
# Below the ports that the kernel gives to outgoing connections: a killed broker's port must stay free for its return.
PORT_MIN=20000
PORT_BLOCKS=1200
PORTS_A_BLOCK=10
PORTS_A_BROKER=3
# A process holds the lock of its block of ports as long as brokers may come back to them.
LOCKS=/tmp/paywarden-kafka-ports-$UID

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
  exit 2
}

# poll SECONDS COMMAND...: until it succeeds; fails if it does not in that time.
poll() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS > end)); then return 1; fi
    sleep 0.02
  done
}

# The file is there from before the start until the guard sees the broker's end.
runs() { [[ -e $dir/kafka-$1.pid ]]; }
has_ended() { ! runs "$1"; }
brokers_there() { (cd "$dir" && printf '%s\n' kafka-*.properties | tr -dc '0-9\n'); }
keeper_runs() { [[ -e $dir/kafka-keeper.pid ]] && kill -0 "$(<"$dir/kafka-keeper.pid")" 2>/dev/null; }

# send SIGNAL N: the broker may have ended meanwhile.
send() { if runs "$2"; then kill "-$1" "$(<"$dir/kafka-$2.pid")" 2>/dev/null || true; fi; }

fail_if_ended() {
  if has_ended "$1"; then fail "broker $1 does not run in $dir"; fi
}

fail_if_not_started() {
  if ! keeper_runs; then fail "no brokers run in $dir: scripts/kafka.sh start $dir"; fi
}

# port N LISTENER
port() {
  local place=0
  case $2 in
    CONTROLLER) place=1 ;;
    SASL_SSL) place=2 ;;
  esac
  echo $((port_first + ($1 - 1) * PORTS_A_BROKER + place))
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

block_is_free() {
  local number
  for ((number = port_first; number < port_first + brokers * PORTS_A_BROKER; number++)); do
    if is_taken "$number"; then return 1; fi
  done
}

# Sets `port_first`. The lock stands on descriptor 9, which the keeper and the brokers inherit.
claim_ports() {
  local try
  mkdir -p "$LOCKS"
  for ((try = 0; try < 100; try++)); do
    port_first=$((PORT_MIN + RANDOM % PORT_BLOCKS * PORTS_A_BLOCK))
    exec 9>"$LOCKS/$port_first"
    if flock --nonblock 9 && block_is_free; then return; fi
  done
  fail "no free ports for brokers from $PORT_MIN on: end what listens there"
}

# The keeper lives as long as the owner, and the brokers as long as the keeper.
start_keeper() {
  tail --pid="$owner" -s 0.2 -f /dev/null </dev/null >/dev/null 2>&1 &
  echo $! >"$dir/kafka-keeper.pid"
}

make_certificate() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)
  openssl req -x509 "${key[@]}" -subj '/CN=CA of a test' -keyout "$dir/ca.key" -out "$dir/ca.pem"
  openssl req "${key[@]}" -subj '/CN=broker of a test' -keyout "$dir/kafka.key" -out "$dir/kafka.csr"
  openssl x509 -req -days 2 -in "$dir/kafka.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -out "$dir/kafka.crt" \
    -extfile <(echo 'subjectAltName=IP:127.0.0.1,DNS:localhost')
  cat "$dir/kafka.key" "$dir/kafka.crt" >"$dir/kafka.pem"
} 2>"$dir/openssl.log"

# One line a broker: NAME://127.0.0.1:PORT,... of those listeners.
listeners() {
  local n=$1 name all=()
  shift
  for name in "$@"; do all+=("$name://127.0.0.1:$(port "$n" "$name")"); done
  (IFS=, && echo "${all[*]}")
}

voters() {
  local n all=()
  for ((n = 1; n <= brokers; n++)); do all+=("$n@127.0.0.1:$(port "$n" CONTROLLER)"); done
  (IFS=, && echo "${all[*]}")
}

# Small where Kafka thinks of thousands of topics, quick where it thinks of minutes.
settings() {
  local n=$1 clients=(PLAINTEXT)
  if ((sasl)); then clients+=(SASL_SSL); fi
  cat <<SETTINGS
process.roles=broker,controller
node.id=$n
log.dirs=$dir/kafka-$n-data
listeners=$(listeners "$n" "${clients[@]}" CONTROLLER)
advertised.listeners=$(listeners "$n" "${clients[@]}")
controller.listener.names=CONTROLLER
controller.quorum.voters=$(voters)
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT

auto.create.topics.enable=false
default.replication.factor=$brokers
min.insync.replicas=$((brokers / 2 + 1))
offsets.topic.num.partitions=$brokers
offsets.topic.replication.factor=$brokers
transaction.state.log.num.partitions=$brokers
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$((brokers / 2 + 1))
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$((brokers / 2 + 1))

group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=100
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=3000

log.cleaner.dedupe.buffer.size=2097152
num.io.threads=4
num.network.threads=2
background.threads=2
SETTINGS
}

# Whoever comes without TLS is ANONYMOUS: the brokers themselves, and the tests' tools.
settings_of_sasl() {
  cat <<SETTINGS

sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_paywarden="paywarden-secret" user_reader="reader-secret";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$dir/kafka.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:paywarden
SETTINGS
}

# The formatted storage under a broker's own number; 16 random bytes name its folder.
format_storage() {
  local n=$1 id
  id=$(head -c 16 /dev/urandom | basenc --base64url | tr -d =)
  cp -r "$kafka/formatted" "$dir/kafka-$n-data"
  sed -i -e "s/^node.id=.*/node.id=$n/" -e "s/^directory.id=.*/directory.id=$id/" "$dir/kafka-$n-data/meta.properties"
}

# make_broker N [KEY=VALUE...]: of a setting that comes twice Kafka takes the last.
make_broker() {
  local n=$1
  {
    settings "$n"
    if ((sasl)); then settings_of_sasl; fi
    printf '%s\n' "${@:2}"
  } >"$dir/kafka-$n.properties"
  format_storage "$n"
}

# The kernel ends the broker when its guard ends; the guard ends it when the keeper ends.
guard() {
  local n=$1 keeper broker heap=384m archive=()
  keeper=$(<"$dir/kafka-keeper.pid")
  if [[ -e $dir/kafka-2.properties ]]; then heap=256m; fi # one of three
  if [[ -e $kafka/classes.jsa ]]; then archive=(-XX:SharedArchiveFile="$kafka/classes.jsa"); fi
  setpriv --pdeathsig KILL java "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${archive[@]}" \
    -Dlog4j2.configurationFile="file://$root/scripts/kafka-log4j2.properties" -cp "$(printf '%s:' "$kafka"/jars/*.jar)" \
    kafka.Kafka "$dir/kafka-$n.properties" &
  broker=$!
  echo "$broker" >"$dir/kafka-$n.pid"
  tail --pid="$keeper" -s 0.2 -f /dev/null &
  wait -n || true
  kill -KILL "$broker" 2>/dev/null || true
  kill $! 2>/dev/null || true
  wait || true
  rm -f "$dir/kafka-$n.pid"
}

# Nothing of the caller's stays open: who reads this script's output waits for its end, not for the brokers'.
launch() {
  local n
  for n in "$@"; do
    : >"$dir/kafka-$n.pid"
    guard "$n" </dev/null >>"$dir/kafka-$n.log" 2>&1 &
  done
}

listens_or_ended() { has_ended "$1" || is_taken "$2"; }

# Its listener for clients is the last thing that a broker opens.
wait_until_ready() {
  local n address all=()
  for n in "$@"; do
    address=$(cut -d , -f "$n" "$dir/bootstrap")
    poll "$START_S_MAX" listens_or_ended "$n" "${address#*:}" || fail "broker $n does not listen after $START_S_MAX s; see $dir/kafka-$n.log"
    if has_ended "$n"; then
      tail -n 20 "$dir/kafka-$n.log" >&2
      fail "broker $n ended; see $dir/kafka-$n.log"
    fi
    all+=("$address")
  done
  python3 "$root/scripts/kafka_admin.py" ready "$(IFS=, && echo "${all[*]}")" "$@"
}

# One address a broker, in their order.
write_bootstrap() {
  local n all=()
  for ((n = 1; n <= brokers; n++)); do all+=("127.0.0.1:$(port "$n" "$1")"); done
  (IFS=, && echo "${all[*]}") >"$dir/$2"
}

read_options() {
  brokers=1 sasl=0 owner=$PPID extra=()
  while (($# > 0)); do
    case $1 in
      --brokers) brokers=$2 && shift ;;
      --owner) owner=$2 && shift ;;
      --sasl) sasl=1 ;;
      [a-z]*=*) extra+=("$1") ;;
      *) usage ;;
    esac
    shift
  done
  [[ $brokers == [13] && $owner =~ ^[0-9]+$ ]] || usage
}

skip_if_absent() {
  if [[ -e $kafka/formatted/meta.properties ]]; then return; fi
  echo "skipped: there is no Kafka in build/kafka: scripts/kafka-fetch.sh"
  exit 77
}

stop_if_failed() {
  local status=$?
  if ((status != 0)); then stop; fi
}

start() {
  local n all
  read_options "$@"
  skip_if_absent
  mkdir -p "$dir"
  if keeper_runs; then fail "brokers run in $dir already: scripts/kafka.sh stop $dir"; fi
  rm -rf "$dir"/kafka-* "$dir"/bootstrap*
  trap stop_if_failed EXIT
  claim_ports
  start_keeper
  if ((sasl)); then make_certificate; fi
  for ((n = 1; n <= brokers; n++)); do make_broker "$n" "${extra[@]}"; done
  write_bootstrap PLAINTEXT bootstrap
  if ((sasl)); then write_bootstrap SASL_SSL bootstrap-sasl; fi
  mapfile -t all < <(brokers_there)
  launch "${all[@]}"
  wait_until_ready "${all[@]}"
  if ((sasl)); then let_the_reader_read; fi
}

let_the_reader_read() {
  admin allow reader read topic '*'
  admin allow reader read group '*'
}

admin() { python3 "$root/scripts/kafka_admin.py" "$1" "$(<"$dir/bootstrap")" "${@:2}"; }

end_in_order() {
  local n
  for n in "$@"; do send TERM "$n" && send CONT "$n"; done
  for n in "$@"; do
    poll "$END_S_MAX" has_ended "$n" || send KILL "$n"
    poll "$END_S_MAX" has_ended "$n" || fail "broker $n does not end"
  done
}

# The producer's number stands in the coordinator's log.
hang() {
  local group=$1 id=$2 topic=$3 offset=$4 words='.*with producerId \([0-9]*\) and producer epoch \([0-9]*\) .*' producer
  read -ra producer < <(sed -n "s/.*Initialized transactionalId $id $words/\1 \2/p" "$dir/kafka-1.log" | tail -n 1)
  admin hang "$group" "$id" "${producer[@]}" "$topic" "$offset"
}

restart() {
  local numbers=("$@")
  fail_if_not_started
  if (($# == 0)); then mapfile -t numbers < <(brokers_there); fi
  end_in_order "${numbers[@]}"
  launch "${numbers[@]}"
  wait_until_ready "${numbers[@]}"
}

kill_broker() {
  send KILL "$1"
  poll "$END_S_MAX" has_ended "$1" || fail "broker $1 does not end"
}

# Nothing that runs is no error: it stands in traps.
stop() {
  local n numbers
  if ! [[ -e $dir/kafka-keeper.pid ]]; then return 0; fi
  kill "$(<"$dir/kafka-keeper.pid")" 2>/dev/null || true
  mapfile -t numbers < <(brokers_there)
  for n in "${numbers[@]}"; do kill_broker "$n"; done
  rm -f "$dir/kafka-keeper.pid"
}

main() {
  if (($# < 2)); then usage; fi
  local command=$1
  dir=$(realpath -m "$2")
  shift 2
  case $command in
    start) start "$@" ;;
    stop) stop ;;
    restart) restart "$@" ;;
    kill) fail_if_ended "${1-}" && kill_broker "$1" ;;
    pause) fail_if_ended "${1-}" && send STOP "$1" ;;
    resume) fail_if_ended "${1-}" && send CONT "$1" ;;
    hang) hang "$@" ;;
    topics | allow | deny) admin "$command" "$@" ;;
    *) usage ;;
  esac
}

main "$@"
