#!/usr/bin/env bash
# Faults by name, as a client meets them: each is switched on for every request, and curl says what it saw.
# Usage: faults_with_curl.sh path/to/hoist-server
source "$(dirname "$0")/server_under_test.sh"

head -c 300000 /dev/urandom >"$work/file"
sum=$(sha256sum <"$work/file")
put_options=(-H 'Expect:') # or curl reports the 100 as what it saw

# fault, status that curl sees (000: none), pattern that the answer's body holds
meets() {
  start_server --fault "$1"
  presign image/png
  expect "$1" "$2" "$(put "$work/file" image/png 2>/dev/null || true)"
  [ -z "${3:-}" ] || grep -q "$3" "$work/answer" || fail "$1: the answer lacks $3"
  stored=$(curl_ -H "X-API-Key: $key" "$endpoint/account" | grep -c "$id" || true)
  expect "$1: stored" "${4:-0}" "$stored"
  stop_server
}

meets put:return-503 503 '<Code>SlowDown</Code>'
meets put:return-500-after-64KiB 500 '<Code>InternalError</Code>'
meets put:early-403 403 '<Code>AccessDenied</Code>'
meets put:expired 403 'Request has expired'
meets put:expired-token 400 '<Code>ExpiredToken</Code>'
meets put:reset-after-64KiB 000
meets put:close-after-64KiB 000
meets put:lose-answer 000 '' 1
meets put:stall-100ms-after-64KiB 200 '' 1
meets put:corrupt-etag 200 '' 1
meets put:fragment-answer 200 '' 1
meets clock:ahead=1h 200 '' 1
meets put:throttle-above=1000/s 200 '' 1

# A fault for the first request only: the second goes through.
start_server --fault put:return-503=first-1
presign image/png
expect "first" 503 "$(put "$work/file" image/png)"
expect "second" 200 "$(put "$work/file" image/png)"
stop_server

# A bad spec ends with code 2 and one line.
code=0
"$server_binary" --fault put:nonsense >"$work/out" 2>"$work/complaint" || code=$?
expect "exit code of a bad fault" 2 "$code"
expect "lines" 1 "$(wc -l <"$work/complaint")"
[ ! -s "$work/out" ] || fail "something on stdout beside the listening line"

# Killed without warning after its 200: the next start has the file.
start_server
presign image/png
expect "put" 200 "$(put "$work/file" image/png)"
kill -KILL "$server_pid"
wait "$server_pid" 2>/dev/null || true
server_pid=
start_server --port "${endpoint##*:}"
expect "get after SIGKILL" "$sum" "$(curl_ --fail "$public_url" | sha256sum)"
stop_server
echo ok
