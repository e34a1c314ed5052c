#!/usr/bin/env bash
# Installs what the workspace needs beyond Rust and a C compiler (Debian, Ubuntu): pkg-config and OpenSSL's headers, for
# the test validators' HTTP client. Does nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")"
. ./apt.sh
pkg-config --exists openssl 2>/dev/null || apt_install pkg-config libssl-dev
