#!/bin/busybox sh
# The first and only process of the machine that test_kernel_tls.py boots. Says what it found on lines that begin with
# "vm:", runs the programs, and turns the machine off.

busybox=/bin/busybox
$busybox mkdir -p /proc /sys /dev /tmp /home
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sys /sys
$busybox mount -t devtmpfs dev /dev
$busybox mount -t tmpfs tmp /tmp
$busybox --install -s /bin
export PATH=/bin HOME=/home
ifconfig lo 127.0.0.1 up
# In this order: there is no modprobe that would know it.
while read -r module; do
  insmod "/modules/$module" || echo "vm: failed insmod $module"
done </modules/order

say() { echo "vm: $*"; }

# How many connections the kernel has been given the keys of, since it was booted.
given() { sed -n 's/^TlsTxSw[[:space:]]*//p' /proc/net/tls_stat; }

# counted NAME COMMAND...: its exit status, and how many connections it gave the kernel.
counted() {
  name=$1
  shift
  before=$(given)
  "$@" </dev/null
  say "$name status=$? given=$(($(given) - before))"
}

# Starts a server; $url, $key, $trust and $store say where and how.
serve() {
  store=/tmp/$1
  shift
  mkdir "$store"
  hoist-server --state "$store" --log-level off "$@" >"$store.line" &
  server=$!
  until grep -q endpoint "$store.line"; do usleep 50000; done
  url=$(sed 's/.*"endpoint":"\([^"]*\)".*/\1/' "$store.line")
  key=$(sed 's/.*"api_key_file":"\([^"]*\)".*/\1/' "$store.line")
  trust=$(sed 's/.*"cacert":"\([^"]*\)".*/\1/' "$store.line")
}

upload() { hoist upload --no-resume -q --endpoint "$url" --api-key-file "$key" --cacert "$trust" -j 2 "$@"; }

# The digests of what was sent and of what is stored.
digests() {
  sha256sum /files/* | sed "s/^/vm: sent $1 /"
  find "$store/objects" -type f | while read -r file; do sha256sum "$file"; done | sed "s/^/vm: stored $1 /"
}

mkdir /files
head -c 300 /dev/urandom >/files/small
head -c 200000 /dev/urandom >/files/medium
for n in 1 2 3; do head -c 5000001 /dev/urandom >/files/large$n; done

serve auto
counted auto upload /files
digests auto
kill $server
serve off
counted off upload --tls-offload off /files
digests off
kill $server
serve md5
counted md5 upload --verify md5 /files
digests md5
kill $server
# A suite that this kernel has no cipher for: the probe works, the connection's keys stay in the process.
serve chacha --suite TLS_CHACHA20_POLY1305_SHA256
counted chacha upload /files
digests chacha
kill $server

counted component net_component_test --gtest_brief=1 --gtest_filter='*offered*'
say finished
sync
reboot -f
