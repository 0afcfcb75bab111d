#!/bin/sh
# The main job on one machine: sh cmake/demo.sh [DIR]
#
# Builds hoist, starts hoist-server on a free loopback port, uploads DIR (without one: media and other files found on
# this machine, at most 2 000), downloads a sample by its public URLs and compares digests, and stops the server. The
# manifest stays; its place is printed.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/cmake/packages.sh"

install_packages $build_packages curl ca-certificates
configure_and_build "$top/build" "hoist hoist-server" -DCMAKE_BUILD_TYPE=Release -DHOIST_PROGRAMS=ON

out=$top/out/demo
rm -rf "$out"
mkdir -p "$out"

say "hoist: starting hoist-server"
"$top/build/bin/hoist-server" --port 0 --state "$out/server" --log-level warn >"$out/server.json" &
server=$!
trap 'kill $server 2>/dev/null || :; wait $server 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM
while ! [ -s "$out/server.json" ]; do
  kill -0 $server 2>/dev/null || { say "hoist: the server did not start"; exit 1; }
  sleep 0.1
done
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$out/server.json"; }
endpoint=$(field endpoint) cacert=$(field cacert) key_file=$(field api_key_file)
say "hoist: the server is at $endpoint"

# What people send to models first: media, then whatever else there is.
find_files() {
  {
    find /usr/share /usr/lib -xdev -type f -readable -size -100000k \
      \( -name '*.png' -o -name '*.jpg' -o -name '*.svg' -o -name '*.gif' -o -name '*.webp' -o -name '*.wav' -o -name '*.ogg' -o -name '*.mp3' -o -name '*.mp4' \) 2>/dev/null
    find /usr/share/doc /usr/share/perl /usr/share/i18n -xdev -type f -readable -size -100000k 2>/dev/null
  } | awk '!seen[$0]++' | head -n 2000
}

manifest=$out/manifest.jsonl
set -- "$@" # DIR, if any
if [ $# -gt 0 ]; then
  say "+ hoist upload --endpoint $endpoint ... $1"
  "$top/build/bin/hoist" upload --endpoint "$endpoint" --cacert "$cacert" --api-key-file "$key_file" -L "$manifest" -- "$1"
else
  find_files >"$out/files"
  say "+ hoist upload --endpoint $endpoint ... -   ($(wc -l <"$out/files") files of this machine, as a list on stdin)"
  "$top/build/bin/hoist" upload --endpoint "$endpoint" --cacert "$cacert" --api-key-file "$key_file" -L "$manifest" - <"$out/files"
fi

say ""
say "hoist: the first rows and the summary of the manifest:"
head -n 3 "$manifest"
tail -n 1 "$manifest"

say ""
say "hoist: downloading a sample by public_url and comparing SHA-256"
checked=0 wrong=0
# Every n-th done row, at most 20 of them; rows whose path needs JSON unescaping are left to the tests.
rows=$(grep -c '"status":"done"' "$manifest" || :)
step=$(( (rows + 19) / 20 ))
[ "$step" -gt 0 ] || step=1
grep '"status":"done"' "$manifest" | awk -v step=$step 'NR % step == 0' | grep -v '"path":"[^"]*\\' | grep '"path":' >"$out/sample" || :
while read -r row; do
  path=$(printf '%s' "$row" | sed -n 's/.*"path":"\([^"]*\)".*/\1/p')
  url=$(printf '%s' "$row" | sed -n 's/.*"public_url":"\([^"]*\)".*/\1/p')
  here=$(sha256sum <"$path")
  there=$(curl -sS --fail --noproxy '*' --cacert "$cacert" "$url" | sha256sum)
  checked=$((checked + 1))
  [ "$here" = "$there" ] || { wrong=$((wrong + 1)); say "differs: $path"; }
done <"$out/sample"
say "hoist: $checked downloaded, $wrong differ"
say "hoist: the manifest is $manifest"
[ "$wrong" = 0 ] && [ "$checked" -gt 0 ]
