# Sourced by scripts/engine: two private engines as the nodes of a Swarm, each with a network, processes, mounts and a host name of
# its own. They are in a room: namespaces around theirs, whose bridge is the wire between them, and which end with its first process.

declare -A addresses=([room]=10.77.0.1 [a]=10.77.0.11 [b]=10.77.0.12)

# Process 1 of the room: it leaves its number as the host counts it, lays the wire, and waits to be ended. Its last word marks it as DIR's.
# shellcheck disable=SC2016 # the inner shell expands these
room_process='
  read -r pid rest </proc/self/stat
  ip link set lo up && ip link add nodes type bridge && ip addr add "$2/24" dev nodes && ip link set nodes up || exit 1
  echo "$pid" >"$1/engine.pid" || exit 1
  exec sh -c "trap exit TERM; sleep infinity & wait" "$1/"
'
# Before an engine: its end of a link, whose other end is a port of the bridge and named after the node. And that it is run `again`
# when it ends, so that its sandboxes can outlive it.
# A link of the node's last life may not be gone yet, and the name would be taken.
# shellcheck disable=SC2016 # the inner shell expands these
node_before='
  node=$3 address=$4 room=/proc/$5/ns/net
  busybox hostname "$node" || exit 1
  nsenter --net="$room" ip link del dev "$node" 2>/dev/null
  ip link add eth0 type veth peer name "$node" netns "$room" && nsenter --net="$room" ip link set dev "$node" master nodes up || exit 1
  ip addr add "$address/24" dev eth0 && ip link set eth0 up || exit 1
  again="while :; do \"\$@\"; sleep 1; done"
'

swarm() {
  if (($# > 0)); then
    running || fail "no Swarm runs in $dir: start it with $name swarm $dir"
    "$1_node" "$2"
    return
  fi
  [[ ! -e $dir/engine.pid ]] || fail "$dir holds a private engine already: $name stop $dir"
  allow_folder "$((${#dir} + 2))"
  machine_tools+=(nsenter ip curl openssl)
  allow_tools swarm
  mkdir -p "$dir/tls"
  : >"$dir/engine.pid"
  if ! { make_certificates && start_room && start_node a && start_node b && join_nodes; }; then give_up; fi
  say "two nodes are ready in $dir"
  echo "LIVE_SWARM=$dir"
}

start_room() {
  launch "$room_process" "${addresses[room]}" </dev/null >"$dir/log" 2>&1 &
  local launcher=$!
  until running; do
    kill -0 "$launcher" 2>/dev/null || { cat "$dir/log" >&2; return 1; }
    sleep 0.1
  done
}

start_node() {
  local node=$1 tls=$dir/tls/$1 config
  running || return
  local dir=$dir/$node before=$node_before more=("$node" "${addresses[$node]}" "$pid") entry=(nsenter --pid --target "$pid")
  local flags="$flags -H tcp://${addresses[$node]}:2376"
  if running; then fail "the node $node runs already"; fi
  config=$(printf '{"tlsverify": true, "tlscacert": "%s", "tlscert": "%s", "tlskey": "%s"}' "$tls"/{ca,cert,key}.pem)
  launch_engine
}

kill_node() {
  local dir=$dir/$1
  running || fail "the node $1 does not run"
  kill -KILL "$pid"
  ended || fail "process $pid does not end"
}

crash_node() {
  local dir=$dir/$1
  running || fail "the node $1 does not run"
  nsenter --pid --target "$pid" sh -c "kill -KILL $(<"$dir/dockerd.pid")"
}

cut_node() { nsenter --net --target "$pid" ip link set dev "$1" down; }

join_node() { nsenter --net --target "$pid" ip link set dev "$1" up; }

# An authority that nobody else knows, and of it a certificate for each engine and one for clients, for a day.
make_certificates() {
  local name use new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  (
    cd "$dir/tls"
    openssl req -x509 "${new_key[@]}" -keyout ca-key.pem -subj '/CN=nodes' -days 1 -out ca.pem || exit
    for name in a b client; do
      mkdir "$name"
      cp ca.pem "$name"
      use='extendedKeyUsage=clientAuth'
      if [[ $name != client ]]; then use=$'extendedKeyUsage=serverAuth\nsubjectAltName=IP:'${addresses[$name]}; fi
      openssl req "${new_key[@]}" -keyout "$name/key.pem" -subj "/CN=$name" -out request || exit
      openssl x509 -req -in request -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 1 -extfile <(echo "$use") \
        -out "$name/cert.pem" || exit
    done
  ) 2>"$dir/log" || { cat "$dir/log" >&2; return 1; }
}

# ask NODE METHOD PATH [JSON]
ask() {
  curl --silent --show-error --fail-with-body --unix-socket "$dir/$1/docker.sock" -X "$2" -H 'Content-Type: application/json' \
    ${4:+--data "$4"} "http://engine$3"
}

join_nodes() {
  local at='"ListenAddr": "%s:2377", "AdvertiseAddr": "%s"' token began=$SECONDS
  # shellcheck disable=SC2059 # a template
  ask a POST /swarm/init "$(printf "{$at}" "${addresses[a]}"{,})" >"$dir/log" || { cat "$dir/log" >&2; return 1; }
  token=$(ask a GET /swarm | sed -n 's/.*"Worker":"\([^"]*\)".*/\1/p')
  # shellcheck disable=SC2059
  ask b POST /swarm/join "$(printf "{$at, \"RemoteAddrs\": [\"%s:2377\"], \"JoinToken\": \"%s\"}" "${addresses[b]}"{,} "${addresses[a]}" "$token")" || return
  until [[ $(ask a GET /nodes | grep -o '"State":"ready"' | wc -l) == 2 ]]; do
    ((SECONDS - began <= start_seconds)) || { say "the nodes are not ready within $start_seconds s"; return 1; }
    sleep 0.1
  done
}

# Where DIR is that of a Swarm: what was made for it beside the room's own files.
remove_nodes() {
  local folder
  for folder in "$dir"/{a,b}; do
    if [[ -e $folder/engine.pid ]]; then
      (dir=$folder && remove_engine)
    elif [[ -d $folder ]]; then
      rmdir "$folder"
    fi
  done
  for folder in "$dir"/tls/{a,b,client} "$dir/tls"; do
    rm -f "$folder"/{ca,cert,key,ca-key}.pem "$folder"/{ca.srl,request}
    [[ ! -d $folder ]] || rmdir "$folder"
  done
}
