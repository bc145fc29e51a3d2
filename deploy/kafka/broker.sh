#!/usr/bin/env bash
# Apache Kafka from Maven Central: one broker, one node, for tests and development.
#
#   broker.sh fetch                          bring the jars to .lib, once
#   broker.sh run PORT CONTROLLER_PORT DIR   format DIR if it is new, then be the broker (in the foreground)
#   broker.sh tool CLASS ARGS…               one of Kafka's command line tools, such as org.apache.kafka.tools.ConsoleProducer
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=$here/.lib
# Small and quick to start: one collector thread, no second compiler tier, shared class data. The variable is that of
# Kafka's own scripts.
read -ra performance <<<"${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto}"
java=(java "${performance[@]}" -XX:-UsePerfData
  "-Dlog4j2.configurationFile=$here/log4j2.properties" -cp "$lib/*")

fetch() {
  if [[ -f $lib/complete && ! $here/pom.xml -nt $lib/complete ]]; then return; fi
  # Into a folder of its own, then moved: a second run at the same time must not see half of the jars.
  local fresh
  fresh=$(mktemp -d "$here/.lib.XXXXXX")
  if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$fresh" >&2; then
    rm -rf "$fresh"
    return 1
  fi
  touch "$fresh/complete"
  chmod 755 "$fresh"
  rm -rf "$lib"
  mv "$fresh" "$lib"
}

settings() {
  local port=$1 controller=$2 dir=$3
  cat <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
# Topics are made on purpose, with their retention.
auto.create.topics.enable=false
# Topics raise max.message.bytes to 8 MiB; one node has no replica to be outrun.
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Nobody else is about to join.
group.initial.rebalance.delay.ms=0
CONF
}

run() {
  local port=$1 controller=$2 dir=$3
  mkdir -p "$dir"
  settings "$port" "$controller" "$dir" >"$dir/server.properties"
  if [[ ! -f $dir/data/meta.properties ]]; then
    "${java[@]}" kafka.tools.StorageTool format --config "$dir/server.properties" \
      --cluster-id "$(head -c 16 /dev/urandom | base64 | tr '+/' 'xy' | cut -c1-22)" >&2
  fi
  exec "${java[@]}" -Xms256m -Xmx1g kafka.Kafka "$dir/server.properties"
}

need_jars() { [[ -f $lib/complete ]] || { echo "no jars yet: run '$0 fetch' first" >&2; exit 2; }; }

case "${1:-}/$#" in
  fetch/1) fetch ;;
  run/4) need_jars && run "$2" "$3" "$4" ;;
  tool/*) need_jars && shift && exec "${java[@]}" -Xmx256m "$@" ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
