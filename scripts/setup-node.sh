#!/usr/bin/env bash
# Installs what migrations/deploy.ts needs: node and npm (Debian, Ubuntu), and the packages that its lock file names. Does
# nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")"
. ./apt.sh
least=18
missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
found=$(node -p 'process.versions.node.split(".")[0]')
[ "$found" -ge $least ] || { echo "error: required node $least or newer, found $found; install it from https://nodejs.org" >&2; exit 1; }
cd ../migrations
# npm notes in this file what it has installed.
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund >&2
