#!/usr/bin/env bash
# A sender that is faster than its digest has the thread to itself for no longer than its turn: while its body comes in, others
# are answered. Usage: turns_with_curl.sh path/to/hoist-server
source "$(dirname "$0")/server_under_test.sh"

size=1200000000
start_server --plain-http --threads 1 --discard --digest sha256 --max-size $size
truncate -s $size "$work/file"
presign video/mp4
put "$work/file" video/mp4 >"$work/status" &
putting=$!

# The beginning is no proof: until the windows are open the sender is the slower one.
received=0
while [ "$received" -lt $((size / 4)) ]; do
  kill -0 $putting || fail "the PUT ended: $(cat "$work/status" "$work/answer")"
  received=$(curl_ --fail "$endpoint/metrics" | sed -n 's/^hoist_server_body_bytes_total //p')
done
[ "$received" -lt $size ] || fail "nobody was answered until all $received bytes had come in"
wait $putting
expect "put" 200 "$(cat "$work/status")"
stop_server
echo ok
