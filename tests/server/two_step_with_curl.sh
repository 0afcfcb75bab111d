#!/usr/bin/env bash
# The two-step upload with nothing but curl, against a server of its own: what a client of any language will meet.
# Usage: two_step_with_curl.sh path/to/hoist-server
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

put() { # file, content type -> status on stdout, body in $work/answer
  curl_ -o "$work/answer" -w '%{http_code}' -X PUT -H "Content-Type: $2" -H "x-amz-meta-file-id: $id" \
    -T "$1" "$url"
}

start_server
head -c 3000000 /dev/urandom >"$work/file"
sum=$(sha256sum <"$work/file")

presign image/png
expect "put" 200 "$(put "$work/file" image/png)"
curl_ --fail -o "$work/back" -D "$work/head" "$public_url"
expect "content" "$sum" "$(sha256sum <"$work/back")"
grep -qi '^content-type: image/png' "$work/head" || fail "content type"
grep -qi "^etag: \"$(md5sum <"$work/file" | cut -d' ' -f1)\"" "$work/head" || fail "etag"
expect "range" "$(head -c 20 "$work/file" | tail -c 10 | sha256sum)" \
  "$(curl_ --fail -r 10-19 "$public_url" | sha256sum)"

answer=$(curl_ -w '%{http_code}' -H 'X-API-Key: wrong' -d '{"content_type":"a/b"}' "$endpoint/v1/upload/presign")
expect "wrong key" '{"error":"Invalid or missing API key"}401' "$answer"

presign image/png
expect "altered type" 403 "$(put "$work/file" image/gif)"
grep -q '<Code>SignatureDoesNotMatch</Code>' "$work/answer" || fail "code of an altered type"

expect "account" 1 "$(curl_ -H "X-API-Key: $key" "$endpoint/account" | grep -c '"size":3000000')"

# After a restart the ticket that is still unused works, and so does what was stored.
kept_url=$public_url
stop_server
start_server --port "${endpoint##*:}"
expect "put after restart" 200 "$(put "$work/file" image/png)"
expect "get after restart" "$sum" "$(curl_ --fail "$kept_url" | sha256sum)"
deleted=$(curl_ -o /dev/null -w '%{http_code}' -X DELETE -H "X-API-Key: $key" "$endpoint/v1/files/$id")
expect "delete" 204 "$deleted"
expect "get after delete" 404 "$(curl_ -o /dev/null -w '%{http_code}' "$kept_url")"
stop_server

# A URL of one second lapses: the same PUT is repeated until storage says so.
start_server --url-lifetime 1s
presign image/png
deadline=$((SECONDS + 15))
until [ "$(put "$work/file" image/png)" = 403 ]; do
  [ $SECONDS -lt $deadline ] || fail "a URL of one second still works after 15"
done
grep -q '<Message>Request has expired</Message>' "$work/answer" || fail "words of an expired URL"
grep -q '<ServerTime>' "$work/answer" || fail "server time of an expired URL"

! grep -qF "$key" "$work/log" || fail "the API key is in the log"
! grep -q 'X-Amz-Signature' "$work/log" || fail "a signature is in the log"
stop_server
echo ok
