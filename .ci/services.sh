# shellcheck shell=bash
# Installs, starts and stops what the tests need: a Kafka broker, a Redis server, a Python with table readers.
#
# Sourced, never run. A script calls `services_with COMMAND...`; the rest are its parts.
# Caches and builds: $MESOFLOW_CACHE (default ~/.cache/mesoflow). Working files: a temporary folder, deleted at the end.

export MESOFLOW_CACHE="${MESOFLOW_CACHE:-$HOME/.cache/mesoflow}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MESOFLOW_CACHE/target}"
services_here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
services_dir=""      # working files of this run
services_command=""  # process id of the command that runs between start and stop
declare -A services_pids=()

say() { printf '\n== %s\n' "$*" >&2; }

# Installs Debian packages that are missing; says which.
apt_install() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "apt: installing ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# What a build needs: a C compiler (librdkafka, SQLite, zstd) and the libraries that librdkafka links.
# shellcheck disable=SC2034  # used by the scripts that source this file
BUILD_PACKAGES=(build-essential pkg-config libssl-dev libzstd-dev zlib1g-dev)
# What the services need beside it.
SERVICE_PACKAGES=(ca-certificates openjdk-17-jre-headless maven openssl redis-server python3 python3-venv procps util-linux)

# Name of a cache folder that changes with the file that describes its content.
cache_name() { printf '%s/%s-%s' "$MESOFLOW_CACHE" "$1" "$(sha256sum "$2" | cut -c1-12)"; }

# Fills a cache folder once: `fill_once FOLDER FUNCTION` calls the function with the folder, unless it is complete.
fill_once() {
  mkdir -p "$MESOFLOW_CACHE"
  (
    flock 9
    [ -e "$1/.complete" ] && exit 0
    rm -rf "$1"
    mkdir -p "$1"
    "$2" "$1" && touch "$1/.complete"
  ) 9>"$1.lock"
}

fill_kafka() {
  say "maven: fetching the jars of Apache Kafka"
  # Its colours cannot all be turned off, so its output is shown only when it matters.
  mvn -q -B -f "$services_here/kafka/pom.xml" dependency:copy-dependencies \
    -DoutputDirectory="$1" -DincludeScope=runtime >"$1.log" 2>&1 || { tail -n 30 "$1.log" >&2; return 1; }
}

fill_python() {
  say "pip: installing table readers"
  /usr/bin/python3 -m venv "$1" && "$1/bin/pip" install -q --disable-pip-version-check -r "$services_here/requirements.txt" >&2
}

services_install() {
  apt_install "${SERVICE_PACKAGES[@]}" || return 1
  MESOFLOW_TEST_KAFKA_LIBS="$(cache_name kafka "$services_here/kafka/pom.xml")"
  local venv
  venv="$(cache_name python "$services_here/requirements.txt")"
  MESOFLOW_TEST_PYTHON="$venv/bin/python"
  fill_once "$MESOFLOW_TEST_KAFKA_LIBS" fill_kafka || { say "could not fetch Kafka"; return 1; }
  fill_once "$venv" fill_python || { say "could not install the table readers"; return 1; }
  export MESOFLOW_TEST_KAFKA_LIBS MESOFLOW_TEST_PYTHON
}

# A port below the ephemeral range on which nobody listens now.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# Starts a service that dies with this script, whatever happens to it: `launch NAME COMMAND...`; output to NAME.log.
launch() {
  local name="$1"
  shift
  setsid setpriv --pdeathsig TERM -- "$@" >"$services_dir/$name.log" 2>&1 </dev/null &
  services_pids[$name]=$!
}

# Waits up to 60 s until a command succeeds: `await NAME COMMAND...`; shows the end of the log if it does not.
await() {
  local name="$1" deadline=$((SECONDS + 60))
  shift
  until "$@" 2>/dev/null; do
    if ! kill -0 "${services_pids[$name]}" 2>/dev/null; then
      say "$name stopped while starting; the end of its log:"
    elif [ $SECONDS -ge $deadline ]; then
      say "$name does not answer after 60 s; the end of its log:"
    else
      sleep 0.1
      continue
    fi
    tail -n 30 "$services_dir/$name.log" >&2
    return 1
  done
}

# Certificates and passwords of this run, in a folder that tests are told of:
#
#   ca.pem, other-ca.pem    two authorities
#   server.*, client.*      by the first one; the server's for 127.0.0.1 and localhost
#   expired.*, elsewhere.*  by the first one; a server's that is past, and one for another host
#   password                the one password of every user
certificates_make() {
  local tls="$services_dir/tls" name
  mkdir -m 700 "$tls"
  export MESOFLOW_TEST_TLS="$tls"
  {
    printf 'hunter2-%s\n' "$(openssl rand -hex 12)" >"$tls/password" && chmod 600 "$tls/password" || return 1
    for name in ca other-ca; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=mesoflow tests $name" \
        -keyout "$tls/$name.key" -out "$tls/$name.pem" || return 1
    done
    certificate server 2 "subjectAltName=DNS:localhost,IP:127.0.0.1" &&
      certificate client 2 "extendedKeyUsage=clientAuth" &&
      certificate expired -1 "subjectAltName=DNS:localhost,IP:127.0.0.1" &&
      certificate elsewhere 2 "subjectAltName=DNS:elsewhere.example"
  } >"$services_dir/certificates.log" 2>&1 && return 0
  say "certificates could not be made; the end of the log:"
  tail -n 30 "$services_dir/certificates.log" >&2
  return 1
}

certificate() { # NAME DAYS EXTENSION
  local tls="$services_dir/tls"
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$tls/$1.key" -out "$tls/$1.csr" &&
    openssl x509 -req -in "$tls/$1.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days "$2" \
      -extfile <(printf '%s\n' "$3") -out "$tls/$1.pem" &&
    cat "$tls/$1.key" "$tls/$1.pem" >"$tls/$1-with-key.pem" &&
    chmod 600 "$tls/$1.key" "$tls/$1-with-key.pem"
}

kafka_properties() { # PORT CONTROLLER_PORT TLS_PORT SASL_PORT DATA
  local tls="$services_dir/tls" jaas=org.apache.kafka.common.security
  cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2,TLS://127.0.0.1:$3,SASL://127.0.0.1:$4
advertised.listeners=PLAINTEXT://127.0.0.1:$1,TLS://127.0.0.1:$3,SASL://127.0.0.1:$4
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,SASL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location=$tls/server-with-key.pem
ssl.truststore.type=PEM
ssl.truststore.location=$tls/ca.pem
listener.name.tls.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-256.sasl.jaas.config=$jaas.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=$jaas.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=$jaas.plain.PlainLoginModule required user_reader="$(<"$tls/password")";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=client
log.dirs=$5
auto.create.topics.enable=false
message.max.bytes=4194304
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
PROPERTIES
}

kafka_start() {
  local port controller tls sasl properties="$services_dir/kafka.properties" id password scram=() user bits
  port="$(free_port)"
  controller="$(free_port)"
  tls="$(free_port)"
  sasl="$(free_port)"
  rm -rf "$services_dir/kafka-data"
  kafka_properties "$port" "$controller" "$tls" "$sasl" "$services_dir/kafka-data" >"$properties"
  # Users of SCRAM: `reader` may use topics, `stranger` nothing.
  password="$(<"$services_dir/tls/password")"
  for user in reader stranger; do
    for bits in 256 512; do
      scram+=(--add-scram "SCRAM-SHA-$bits=[name=$user,password=$password]")
    done
  done
  local java=(java -Xmx1g "-Dlog4j2.configurationFile=$services_here/kafka/log4j2.xml" -cp "$MESOFLOW_TEST_KAFKA_LIBS/*")
  id="$("${java[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null | tail -n 1)"
  if ! "${java[@]}" kafka.tools.StorageTool format -t "$id" -c "$properties" "${scram[@]}" \
    >"$services_dir/kafka-format.log" 2>&1; then
    say "kafka could not format its folder; the end of its log:"
    tail -n 30 "$services_dir/kafka-format.log" >&2
    return 1
  fi
  launch kafka "${java[@]}" kafka.Kafka "$properties"
  await kafka grep -q 'Kafka Server started' "$services_dir/kafka.log" || return 1
  if ! "${java[@]}" org.apache.kafka.tools.AclCommand --bootstrap-server "127.0.0.1:$port" --add \
    --allow-principal User:reader --operation All --topic '*' --group '*' >"$services_dir/kafka-acl.log" 2>&1; then
    say "kafka did not take rights; the end of the log:"
    tail -n 30 "$services_dir/kafka-acl.log" >&2
    return 1
  fi
  export MESOFLOW_TEST_KAFKA="127.0.0.1:$port" MESOFLOW_TEST_KAFKA_TLS="127.0.0.1:$tls" MESOFLOW_TEST_KAFKA_SASL="127.0.0.1:$sasl"
}

redis_start() {
  local port
  port="$(free_port)"
  launch redis redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$services_dir"
  await redis redis_answers "$port" || return 1
  export MESOFLOW_TEST_REDIS="127.0.0.1:$port"
}

# What a job may do, as docs/security.md lists it.
REDIS_RIGHTS="+multi +exec +get +hget +evalsha +eval +script|load +type +set +hset +hdel +exists +hkeys +info +time +config|get +role"

# A server that is reached by TLS alone, as one of its users: `writer` has what a job needs, `reader` all but writing.
redis_tls_start() {
  local port tls="$services_dir/tls" password
  port="$(free_port)"
  password="$(<"$tls/password")"
  {
    printf 'user default off\n'
    printf 'user writer on >%s ~{mesoflow-* %s\n' "$password" "$REDIS_RIGHTS"
    printf 'user reader on >%s ~{mesoflow-* %s -set -hset -hdel\n' "$password" "$REDIS_RIGHTS"
    printf 'user stranger on >%s ~{mesoflow-* +info\n' "$password"
  } >"$tls/users.acl"
  chmod 600 "$tls/users.acl"
  launch redis-tls redis-server --port 0 --tls-port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$services_dir" \
    --tls-cert-file "$tls/server.pem" --tls-key-file "$tls/server.key" --tls-ca-cert-file "$tls/ca.pem" \
    --tls-auth-clients optional --aclfile "$tls/users.acl"
  await redis-tls grep -q 'Ready to accept connections' "$services_dir/redis-tls.log" || return 1
  export MESOFLOW_TEST_REDIS_TLS="127.0.0.1:$port"
}

redis_answers() { [ "$(redis-cli -p "$1" ping)" = PONG ]; }

# A port may be taken between choosing and binding: one more attempt, on others.
start_with_retry() {
  "$1" && return 0
  say "$1: second attempt"
  "$1"
}

services_start() {
  services_dir="$(mktemp -d "${TMPDIR:-/tmp}/mesoflow-services.XXXXXX")"
  certificates_make || return 1
  start_with_retry redis_start && start_with_retry redis_tls_start && start_with_retry kafka_start || return 1
  say "services are up: Kafka $MESOFLOW_TEST_KAFKA, Redis $MESOFLOW_TEST_REDIS"
}

services_stop() {
  local name pid
  if [ -n "$services_command" ]; then kill -TERM -- "-$services_command" 2>/dev/null; fi
  for pid in "${services_pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for name in "${!services_pids[@]}"; do
    pid="${services_pids[$name]}"
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null && say "$name had to be killed"
    wait "$pid" 2>/dev/null
  done
  services_pids=()
  if [ -n "$services_dir" ]; then rm -rf "$services_dir"; fi
  services_dir=""
}

# Runs a command with the services up, and stops them again whatever happens; returns the command's exit code.
services_with() {
  trap services_stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  [ -e /dev/fd/0 ] || exec </dev/null
  services_install && services_start || exit 1
  if [ -t 0 ]; then
    "$@" # in the foreground, so that Ctrl-C and the keyboard reach it
    return
  fi
  # In a group of its own and waited for, so that a signal to this script is answered at once.
  set -m
  setpriv --pdeathsig TERM -- "$@" <&0 &
  services_command=$!
  set +m
  local code=0
  wait "$services_command" || code=$?
  services_command=""
  return "$code"
}
