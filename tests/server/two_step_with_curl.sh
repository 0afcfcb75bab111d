#!/usr/bin/env bash
# The two-step upload with nothing but curl, against a server of its own: what a client of any language will meet.
# Usage: two_step_with_curl.sh path/to/hoist-server
source "$(dirname "$0")/server_under_test.sh"

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

stored_url=$public_url

presign image/png
expect "altered type" 403 "$(put "$work/file" image/gif)"
grep -q '<Code>SignatureDoesNotMatch</Code>' "$work/answer" || fail "code of an altered type"

expect "account" 1 "$(curl_ -H "X-API-Key: $key" "$endpoint/account" | grep -c '"size":3000000')"

# After a restart the ticket that is still unused works, and what was stored is there.
stop_server
start_server --port "${endpoint##*:}"
expect "put after restart" 200 "$(put "$work/file" image/png)"
expect "get after restart" "$sum" "$(curl_ --fail "$stored_url" | sha256sum)"
expect "get of the new one" "$sum" "$(curl_ --fail "$public_url" | sha256sum)"
deleted=$(curl_ -o /dev/null -w '%{http_code}' -X DELETE -H "X-API-Key: $key" "$endpoint/v1/files/$id")
expect "delete" 204 "$deleted"
expect "get after delete" 404 "$(curl_ -o /dev/null -w '%{http_code}' "$public_url")"
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
