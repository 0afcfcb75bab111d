# Sourced by the scripts beside it: a server in a state folder of its own, stopped by its pid whatever happens, and the
# two steps with curl. $1 is the path to hoist-server.
set -euo pipefail

server_binary=$1
work=$(mktemp -d)
server_pid=

stop_server() {
  [ -n "$server_pid" ] || return 0
  kill -TERM "$server_pid" 2>/dev/null || true
  # The server bounds its own stop by five seconds.
  wait "$server_pid" || fail "the server ended with code $?"
  server_pid=
}

cleanup() {
  [ -z "$server_pid" ] || kill -KILL "$server_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*" >&2
  [ ! -s "$work/log" ] || tail -5 "$work/log" >&2
  exit 1
}

expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }

field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }

start_server() {
  rm -f "$work/ready"
  mkfifo "$work/ready"
  "$server_binary" --state "$work/state" "$@" >"$work/ready" 2>>"$work/log" &
  server_pid=$!
  read -r -t 20 line <"$work/ready" || fail "no line on stdout"
  endpoint=$(field endpoint <<<"$line")
  cacert=$(field cacert <<<"$line")
  key=$(cat "$(field api_key_file <<<"$line")")
}

curl_() { curl --silent --show-error --max-time 20 --cacert "$cacert" "$@"; }

presign() { # content type -> $ticket
  ticket=$(curl_ --fail -H "X-API-Key: $key" -H 'Content-Type: application/json' \
    -d "{\"content_type\":\"$1\"}" "$endpoint/v1/upload/presign")
  id=$(field id <<<"${ticket%%,*}")
  url=$(field presigned_url <<<"$ticket")
  public_url=$(field public_url <<<"$ticket")
}

put_options=()
put() { # file, content type -> status on stdout, body in $work/answer
  curl_ -o "$work/answer" -w '%{http_code}' -X PUT "${put_options[@]}" -H "Content-Type: $2" -H "x-amz-meta-file-id: $id" \
    -T "$1" "$url"
}
