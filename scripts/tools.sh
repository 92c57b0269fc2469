#!/usr/bin/env bash
# Lists every program that scripts and tests call, and where it comes from.
#   scripts/tools.sh               installs missing programs; if it cannot, fails with the complete list
#   scripts/tools.sh PROGRAM...    the same for these programs only
#   scripts/tools.sh --check ...   installs nothing
#   scripts/tools.sh --list        the table: SOURCE, PACKAGE, PROGRAM...
#   scripts/tools.sh --path        the folders of the programs that cargo installed, for PATH
#
# Root installs Debian's packages. Crates go into the cache, each in its own folder. Toolchains are never installed.
# tests/validators compares the table with the programs that scripts, tests and builds call.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${KTRDR_TEST_CACHE:-$HOME/.cache/ktrdr-diagnosis}

for_tests() {
  cat <<'TABLE'
toolchain rust cargo rustc
toolchain go go gofmt
toolchain node node npm
rustup rustfmt cargo-fmt
rustup clippy cargo-clippy
crate cargo-deny@0.20.2 cargo-deny
crate typos-cli@1.42.3 typos
debian chromium chromium
debian coreutils basename cat chmod chroot cp cut dirname du env expand head id install ls mkdir mkfifo mktemp mv nice paste rm sha256sum sort tail tee touch uname wc
debian findutils find
debian gcc cc
debian git git
debian grep grep
debian jq jq
debian libc-bin ldd
debian make make
debian mawk awk
debian mount mount
debian postgresql initdb pg_isready postgres
debian procps kill
debian prometheus prometheus promtool
debian sed sed
debian util-linux flock unshare
debian zip zip
TABLE
}

on_demand() {
  cat <<'TABLE'
toolchain node npx
crate cargo-mutants@27.1.0 cargo-mutants
TABLE
}

# The lowest version of a toolchain that works, from the files that set it.
lowest_version() {
  case $1 in
    rust) sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml ;;
    go) sed -n 's/^go //p' tests/*/go.mod | sort -V | tail -n 1 ;;
    node) sed -n 's/.*"node": ">=\([0-9.]*\)".*/\1/p' frontend/package.json ;;
  esac
}

found_version() {
  case $1 in
    rust) rustc --version | cut -d ' ' -f 2 ;;
    go) go env GOVERSION | sed 's/^go//' ;;
    node) node --version | sed 's/^v//' ;;
  esac
}

how_to_get() { # source, package
  case $1 in
    debian) echo "Debian's package $2" ;;
    rustup) echo "rustup component add $2" ;;
    crate) echo "cargo install --locked --root $cache/${2%@*} $2" ;;
    toolchain)
      case $2 in
        rust) echo "Rust $(lowest_version rust) or later: https://rustup.rs" ;;
        go) echo "Go $(lowest_version go) or later: https://go.dev/doc/install" ;;
        node) echo "Node.js $(lowest_version node) or later, with npm: https://nodejs.org" ;;
      esac
      ;;
  esac
}

is_there() { # source, package, program
  case $1 in
    crate)
      local version=(--version)
      # Some of cargo's subcommands need their own name as the first argument.
      [ "$3" = "${3#cargo-}" ] || version=("${3#cargo-}" --version)
      [ "$("$cache/${2%@*}/bin/$3" "${version[@]}" 2>/dev/null | head -n 1 | cut -d ' ' -f 2)" = "${2#*@}" ]
      ;;
    # rustup installs a proxy for every component, which fails while the component is missing.
    rustup) cargo "${3#cargo-}" --version >/dev/null 2>&1 ;;
    toolchain)
      command -v "$3" >/dev/null &&
        printf '%s\n' "$(lowest_version "$2")" "$(found_version "$2")" | sort -V -C
      ;;
    debian)
      case $3 in
        chromium) command -v "${CHROMIUM:-chromium}" >/dev/null ;;
        # Debian keeps PostgreSQL's programs of every version in a folder of its own.
        initdb | pg_isready | postgres) type -P "$3" /usr/lib/postgresql/*/bin/"$3" >/dev/null ;;
        # A shell has a built-in kill, and on some systems chroot is not in the PATH of users.
        *) PATH=$PATH:/usr/sbin:/sbin type -P "$3" >/dev/null ;;
      esac
      ;;
  esac
}

# One line for each program that is missing: SOURCE PACKAGE PROGRAM.
missing() { # program...
  local source package programs program
  { if [ $# -gt 0 ]; then for_tests && on_demand; else for_tests; fi; } |
    while read -r source package programs; do
      for program in $programs; do
        if [ $# = 0 ] || [[ " $* " == *" $program "* ]]; then
          is_there "$source" "$package" "$program" || echo "$source $package $program"
        fi
      done
    done
}

packages_of() { # source, lines of missing(): the packages of this source, each once
  awk -v source="$1" '$1 == source && !seen[$2]++ { print $2 }' <<<"$2"
}

# Runs a command as root: directly, or in CI with sudo, which must not ask for a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -n "${CI:-}" ] && command -v sudo >/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

install_debian() ( # package...
  [ $# -gt 0 ] && command -v apt-get >/dev/null && as_root env test -w /var/lib/dpkg || exit 0
  # The tests start services with their own data, so the packages must not start them.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
  fi
  as_root apt-get update -q || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" || true
)

install_crate() { # name@version
  # Without optimisation, the build takes a third of the time, and the program only runs for a second.
  local target
  target=$(mktemp -d)
  CARGO_TARGET_DIR=$target CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --quiet --locked --debug --force --root "$cache/${1%@*}" "$1" || true
  rm -rf "$target"
}

report() { # lines of missing()
  local source package program debian
  echo 'tools: these programs are missing:'
  while read -r source package program; do
    printf '  %-16s %s\n' "$program" "$(how_to_get "$source" "$package")"
  done <<<"$1"
  debian=$(packages_of debian "$1" | paste -sd' ' -)
  [ -z "$debian" ] || echo "On Debian: apt-get install --no-install-recommends $debian"
}

install=yes
case ${1:-} in
  --list)
    for_tests
    on_demand
    exit
    ;;
  --path)
    { for_tests && on_demand; } | awk -v cache="$cache" '$1 == "crate" { sub("@.*", "", $2); print cache "/" $2 "/bin" }' | paste -sd: -
    exit
    ;;
  --check)
    install=
    shift
    ;;
esac

left=$(missing "$@")
if [ -n "$left" ] && [ -n "$install" ]; then
  # Cargo needs a C compiler and a linker, so Debian's packages come first.
  # shellcheck disable=SC2046 # names of packages are single words
  install_debian $(packages_of debian "$left")
  for component in $(packages_of rustup "$left"); do
    rustup component add "$component" || true
  done
  left=$(missing "$@")
  # Compiling takes minutes, so it comes last.
  if ! grep -qv '^crate ' <<<"$left"; then
    for crate in $(packages_of crate "$left"); do
      install_crate "$crate"
    done
    left=$(missing "$@")
  fi
fi
if [ -n "$left" ]; then
  report "$left" >&2
  exit 1
fi
