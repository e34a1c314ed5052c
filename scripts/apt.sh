# To be sourced. Installs packages with apt (Debian, Ubuntu), as root or with sudo.
apt_install() {
  local run=(apt-get)
  command -v apt-get >/dev/null || { echo "error: required $*; install them with your system's package manager" >&2; exit 1; }
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: required $*; install them as root: apt-get install -y $*" >&2; exit 1; }
    run=(sudo apt-get)
  fi
  echo "installing $*" >&2
  "${run[@]}" update -q >&2
  DEBIAN_FRONTEND=noninteractive "${run[@]}" install -qy --no-install-recommends "$@" >&2
}
