#!/usr/bin/env bash
# Installs what the workspace needs beyond Rust and a C compiler (Debian, Ubuntu): pkg-config and OpenSSL's headers, for
# the test validators' HTTP client. Does nothing where they are there.
set -euo pipefail
pkg-config --exists openssl 2>/dev/null && exit 0
packages=(pkg-config libssl-dev)
if command -v apt-get >/dev/null; then
  run=(apt-get)
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: required ${packages[*]}; install them as root: apt-get install -y ${packages[*]}" >&2; exit 1; }
    run=(sudo apt-get)
  fi
  echo "installing ${packages[*]}" >&2
  "${run[@]}" update -q >&2
  DEBIAN_FRONTEND=noninteractive "${run[@]}" install -qy "${packages[@]}" >&2
else
  echo "error: required pkg-config and OpenSSL's headers; install them with your system's package manager" >&2
  exit 1
fi
