#!/usr/bin/env bash
# Installs what the cargo feature `ledger` needs to build (Debian, Ubuntu): libudev's headers. Does nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")"
. ./apt.sh
pkg-config --exists libudev 2>/dev/null || apt_install libudev-dev
