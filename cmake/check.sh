#!/bin/sh
# Builds and runs every test: sh cmake/check.sh [--full]
#
# --full adds the ASan+UBSan and the ThreadSanitizer builds, which run everything from unit to e2e, and the fuzz targets,
# 20 seconds each.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/cmake/packages.sh"

full=no
case ${1-} in
  '') ;;
  --full) full=yes ;;
  *) say "usage: sh cmake/check.sh [--full]"; exit 2 ;;
esac

install_packages $build_packages $test_packages
# One of them shuts out a package of the same use that may be there already (another libcurl-dev).
install_if_possible $bench_packages
bench=ON
for package in $bench_packages; do installed "$package" || bench=OFF; done
[ $bench = ON ] || say "hoist: going on without the tests of bench/"
unpack_if_possible "$top/build/interop" $interop_packages
if [ "$(uname -m)" = x86_64 ]; then install_if_possible $vm_packages; fi

jobs=$(nproc)
run() { # BUILD_DIR CTEST_OPTIONS... -- CMAKE_OPTIONS...
  build=$1
  shift
  selection=
  while [ "$1" != -- ]; do selection="$selection $1"; shift; done
  shift
  configure_and_build "$build" all "$@"
  say "hoist: testing $build"
  ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$jobs" $selection
}

run "$top/build" -- -DCMAKE_BUILD_TYPE=Release -DHOIST_DEVELOPER=ON -DHOIST_PROGRAMS=ON -DHOIST_BENCH=$bench
if [ $full = yes ]; then
  # What the sanitizers are told, with its reasons, is in the file itself.
  export TSAN_OPTIONS="suppressions=$top/tests/support/tsan.supp"
  # The label says what a sanitizer cannot add anything to: packaging, documents, layers.
  # -O1: compiling is most of these builds' time, and what they look for does not hide behind the optimiser's level.
  quick_to_build="-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1 -DNDEBUG"
  run "$top/build-asan" -LE no_sanitizer -- -DCMAKE_BUILD_TYPE=RelWithDebInfo "$quick_to_build" -DHOIST_DEVELOPER=ON -DHOIST_PROGRAMS=ON -DHOIST_SANITIZE=address
  run "$top/build-tsan" -LE no_sanitizer -- -DCMAKE_BUILD_TYPE=RelWithDebInfo "$quick_to_build" -DHOIST_DEVELOPER=ON -DHOIST_PROGRAMS=ON -DHOIST_SANITIZE=thread

  install_if_possible $fuzz_packages
  fuzz=yes
  for package in $fuzz_packages; do installed "$package" || fuzz=no; done
  if [ $fuzz = yes ]; then
    configure_and_build "$top/build-fuzz" fuzz_targets -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
      "$quick_to_build" -DHOIST_DEVELOPER=ON -DHOIST_PROGRAMS=ON -DHOIST_FUZZ=ON -DHOIST_FUZZ_SECONDS=20
    say "hoist: testing $top/build-fuzz"
    # Each ends after its time however fast it was: twice as many at once as there are cores.
    ctest --test-dir "$top/build-fuzz" --output-on-failure --no-tests=error -j "$((2 * jobs))" -L fuzz
  else
    say "hoist: going on without the fuzz targets"
  fi
fi
