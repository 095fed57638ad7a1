#!/usr/bin/env bash
# Installs what the arguments name and the machine lacks: "npm DIR" the packages of an npm project, "chromium",
# "proxies", "redis", "postgres", "prometheus", "python", "curl" and "race" Debian packages (as root on Debian or Ubuntu; otherwise one line says what is missing).
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin # where Debian has nginx and haproxy

die() { echo "missing: $*" >&2; exit 1; }

planning=yes # the first of two passes only says what the second is going to do
plan=()

debian() { # command, packages...
  command -v "$1" >/dev/null 2>&1 && return
  if [ $planning = yes ]; then
    plan+=("the Debian packages ${*:2}")
    return
  fi
  local command=$1
  shift
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
      { apt-get update >/dev/null && apt-get install -y --no-install-recommends "$@" >/dev/null; } ||
      die "$command; installing the Debian packages $* failed"
  else
    die "$command (Debian packages: $*)"
  fi
}

stopped() { # command...: runs it while Debian does not start the services that it installs
  local policy=/usr/sbin/policy-rc.d
  if [ $planning = no ] && [ "$(id -u)" = 0 ] && [ -d /usr/sbin ] && [ ! -e $policy ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    "$@"
    rm -f $policy
  else
    "$@"
  fi
}

npm_project() { # directory
  command -v npm >/dev/null 2>&1 || die "npm and Node.js 20 or later"
  local stamp=$1/node_modules/.installed
  [ -f "$stamp" ] && cmp -s "$1/package-lock.json" "$stamp" && return
  if [ $planning = yes ]; then
    plan+=("the npm packages of $1, into $1/node_modules")
    return
  fi
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
  cat "$1/package-lock.json" >"$stamp" # two installs at once may both write it
}

command -v go >/dev/null 2>&1 || die "Go 1.26 or later"
install() {
  while [ $# -gt 0 ]; do
    case $1 in
      npm) npm_project "$2"; shift 2 ;;
      chromium) debian chromium chromium fonts-dejavu-core fonts-noto-color-emoji; shift ;;
      proxies) stopped debian nginx nginx; stopped debian haproxy haproxy; shift ;;
      redis) stopped debian redis-server redis-server; stopped debian redis-sentinel redis-sentinel; shift ;;
      postgres) PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' :) stopped debian initdb postgresql; shift ;;
      prometheus) stopped debian promtool prometheus; shift ;;
      python) debian python3 python3; shift ;;
      curl) debian curl curl ca-certificates; shift ;;
      race) debian gcc gcc libc6-dev; shift ;; # the race detector is linked with a C compiler
      *) die "a meaning for the argument $1"; ;;
    esac
  done
}

install "$@"
if [ ${#plan[@]} -gt 0 ]; then
  echo "This is going to install:"
  printf '  %s\n' "${plan[@]}"
  planning=no
  install "$@"
fi
