#!/bin/sh
# Measures hoist beside other uploaders: sh bench/run.sh [--quick] [--full] [--cell NAME]... [--out DIR] ...
#
# Installs what the contenders need (Debian packages; --quick installs only what hoist's own build needs), builds Release,
# checks that every contender stores what it is given, times them in pairs, and prints text. JSON and charts go to
# build/bench/results, or where --out says. --help lists the options; bench/README.md says how it is done.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/cmake/packages.sh"

quick=no build=$top/build previous=
for word in "$@"; do
  [ "$previous" = --build ] && build=$word
  case $word in
    --quick) quick=yes ;;
    --build=*) build=${word#--build=} ;;
  esac
  previous=$word
done

install_packages $build_packages $test_packages $bench_packages
if [ $quick = no ]; then
  # A node that is there already, from wherever, is as good as Debian's: it brings fetch with it.
  command -v node >/dev/null || contender_packages="$contender_packages nodejs node-undici"
  install_packages $contender_packages
fi

run() { PYTHONPATH=$top/bench python3 -B -m support.bench "$@"; }
case " $* " in
  *' --help '* | *' -h '* | *' --list '*) run "$@"; exit ;;
esac

if [ -r "$build/CMakeCache.txt" ] && ! grep -q '^CMAKE_BUILD_TYPE:.*=Release$' "$build/CMakeCache.txt"; then
  say "hoist: $build is no Release build; only a Release build is measured. Give another --build"
  exit 2
fi
configure_and_build "$build" "hoist hoist-server hoist_bench" \
  -DCMAKE_BUILD_TYPE=Release -DHOIST_DEVELOPER=ON -DHOIST_PROGRAMS=ON -DHOIST_BENCH=ON
run "$@" --build "$build"
