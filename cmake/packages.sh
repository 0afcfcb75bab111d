# Sourced by demo.sh and check.sh: installs what is missing, from Debian's packages, and says so. Never removes anything.

# Newest first: the first of these that the release has is taken.
boost_candidates="libboost-dev libboost1.83-dev libboost1.81-dev"
build_packages="g++ cmake ninja-build make pkg-config libssl-dev libsimdjson-dev libpugixml-dev libsqlite3-dev libspdlog-dev libfmt-dev libcli11-dev"
test_packages="libgtest-dev python3 curl openssl clang-format"
# What bench/ compiles; then what else its contenders need at run time, and the tracer that counts their waits.
bench_packages="libbenchmark-dev libcurl4-openssl-dev libjson-c-dev"
contender_packages="golang-go python3-aiohttp python3-uvloop strace"
# Servers and balancers of others, for the tests behind them, which are skipped without. They are unpacked, not installed: a
# package of a server starts it, and this machine is somebody's.
interop_packages="nginx"
# For the tests in an emulated machine, which are skipped without.
vm_packages="qemu-system-x86 busybox-static cpio"
# For the fuzz targets: Clang, and the libraries of libFuzzer and the sanitizers.
fuzz_packages="clang libclang-rt-dev"

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else
    command -v sudo >/dev/null || { say "hoist: installing packages needs root; run this as root, or install sudo"; exit 1; }
    sudo "$@"
  fi
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# Whether the newest version apt knows of package $1 is at least $2.
offers() {
  version=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
  [ -n "$version" ] && [ "$version" != "(none)" ] && dpkg --compare-versions "$version" ge "$2"
}

# A Boost of 1.81 or later is there already? From 1.82 on Boost.URL is a library of its own.
boost_present() {
  [ -r /usr/include/boost/version.hpp ] || return 1
  version=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' /usr/include/boost/version.hpp)
  [ "$version" -ge 108100 ] && { [ "$version" -lt 108200 ] || [ -n "$(find /usr/lib -name libboost_url.so 2>/dev/null)" ]; }
}

choose_boost() {
  boost_present && return
  for candidate in $boost_candidates; do
    offers "$candidate" 1.81 || continue
    echo "$candidate"
    url_library=$(echo "$candidate" | sed 's/^libboost/libboost-url/')
    if offers "$candidate" 1.82; then echo "$url_library"; fi
    return
  done
  say "hoist: this Debian release offers no Boost 1.81 or later"; exit 1
}

install_packages() {
  command -v apt-get >/dev/null || { say "hoist: these scripts install Debian packages, and there is no apt-get here"; exit 1; }
  missing=
  for package in "$@"; do installed "$package" || missing="$missing $package"; done
  if [ -n "$missing" ] || ! boost_present; then
    say "hoist: updating the package lists"
    as_root apt-get update -qq >&2
    missing="$missing $(choose_boost)" || exit 1
    missing=$(echo $missing)
    [ -n "$missing" ] || return 0
    say "hoist: installing $missing"
    # --no-remove: a package that conflicts with one you have (two Boost versions, say) stops here instead of replacing it.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-remove --no-install-recommends $missing >&2 || {
      say "hoist: apt-get could not install: $missing"
      say "hoist: if it names a conflict, another version of one of these is installed; remove that one yourself, or use another machine"
      exit 1
    }
  fi
}

# The same for what can be done without: says so, and goes on. Precondition: install_packages was called.
install_if_possible() {
  missing=
  for package in "$@"; do installed "$package" || missing="$missing $package"; done
  [ -n "$missing" ] || return 0
  say "hoist: installing$missing, for tests that are skipped without"
  # In a subshell: not even the lack of root ends more than this.
  (as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-remove --no-install-recommends $missing >&2) ||
    say "hoist: could not install$missing; going on without"
}

# unpack_if_possible FOLDER PACKAGES...: their files below FOLDER; nothing of the system's is changed.
unpack_if_possible() {
  folder=$1
  shift
  mkdir -p "$folder"
  for package in "$@"; do
    [ ! -e "$folder/$package" ] || continue
    say "hoist: unpacking $package in $folder, for tests that are skipped without"
    (cd "$folder" && { apt-get -qq download "$package" || { as_root apt-get update -qq && apt-get -qq download "$package"; }; } >&2 &&
      dpkg-deb -x "$package"_*.deb "$package") || { rm -rf "$folder/$package"; say "hoist: could not get $package; going on without"; }
  done
}

# configure_and_build BUILD_DIR TARGETS OPTIONS...: quick when nothing changed.
configure_and_build() {
  build=$1 targets=$2
  shift 2
  log=$build/build.log
  mkdir -p "$build"
  say "hoist: building in $build"
  cmake -S "$top" -B "$build" -G Ninja "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  cmake --build "$build" --target $targets >"$log" 2>&1 || { tail -n 60 "$log" >&2; exit 1; }
}
