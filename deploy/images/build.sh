#!/usr/bin/env bash
# Builds every image where no registry can be reached: the bases from Debian packages.
#
#   deploy/images/build.sh [tools] [bases] [store] [services]     (all of them without a word)
#
# tools     Docker's plugins Compose and Buildx, if they are missing (into ~/.docker/cli-plugins)
# bases     hub-and-spoke/python:3.13, hub-and-spoke/rabbitmq:4.0 and hub-and-spoke/nginx:1.26, in place of
#           python:3.13-slim, rabbitmq:4 and nginxinc/nginx-unprivileged
# store     hub-and-spoke/store-for-trials, in place of mongo:8.0; not for live cases
# services  the four services and the pages, with the project's Dockerfile
#
# Needs root, a Docker engine, and apt as this machine has it: its mirror is the one used.
set -euo pipefail
cd "$(dirname "$0")/../.."

SUITE=trixie # Debian 13: Python 3.13, RabbitMQ 4.0
VERSION=${VERSION:-0.1.0}
MIRROR=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
COMPONENTS="deb $MIRROR $SUITE main"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One package of the newer release, unpacked; this machine's own sources stay as they are.
fetched() { # fetched PACKAGE FOLDER
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$2"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR $SUITE main" >"$work/apt/sources.list"
  local own=(-o APT::Sandbox::User=root -o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache")
  [ -e "$work/apt/updated" ] || { apt-get "${own[@]}" -qq update && touch "$work/apt/updated"; }
  (cd "$2" && apt-get "${own[@]}" -qq download "$1" && dpkg-deb -x ./"$1"_*.deb . && rm ./"$1"_*.deb)
}

tools() {
  local plugins="$HOME/.docker/cli-plugins" pair
  mkdir -p "$plugins"
  for pair in compose:docker-compose buildx:docker-buildx; do
    docker "${pair%%:*}" version >/dev/null 2>&1 && continue
    fetched "${pair#*:}" "$work/${pair#*:}"
    install -m 755 "$(find "$work/${pair#*:}" -type f -path '*cli-plugins*' -name "${pair#*:}")" "$plugins/"
  done
  docker compose version --short
  docker buildx version
}

# A base of packages: nothing of the machine it was made on, no package lists, no documentation.
base() { # base TAG PACKAGES [OPTIONS OF MMDEBSTRAP…] -- OPTIONS OF IMPORT…
  local tag=$1 packages=$2
  shift 2
  local more=()
  while [ "$1" != -- ]; do more+=("$1") && shift; done
  shift
  command -v mmdebstrap >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mmdebstrap; }
  mmdebstrap --quiet --variant=essential --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/etc/hostname "$1"/etc/resolv.conf' \
    "${more[@]}" "$SUITE" - "$COMPONENTS" | docker import --change 'ENV LANG=C.UTF-8' "$@" - "$tag" >/dev/null
  echo "built $tag"
}

bases() {
  base hub-and-spoke/python:3.13 python3,python3-venv,python3-pip,ca-certificates,libstdc++6 \
    --customize-hook='ln -s python3 "$1"/usr/bin/python' -- \
    --change 'CMD ["python3"]'
  # The user has the number that it has in the official image.
  base hub-and-spoke/rabbitmq:4.0 rabbitmq-server \
    --essential-hook='echo "rabbitmq:x:999:999::/var/lib/rabbitmq:/usr/sbin/nologin" >> "$1"/etc/passwd' \
    --essential-hook='echo "rabbitmq:x:999:" >> "$1"/etc/group' \
    --customize-hook='mkdir -p "$1"/var/log/rabbitmq "$1"/etc/rabbitmq/conf.d && chown 999:999 "$1"/var/log/rabbitmq' \
    --customize-hook='echo "[rabbitmq_management,rabbitmq_prometheus]." > "$1"/etc/rabbitmq/enabled_plugins' \
    --customize-hook='rm -f "$1"/var/lib/rabbitmq/.erlang.cookie' -- \
    --change "ENV PATH=/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin" --change "ENV RABBITMQ_LOGS=-" --change 'ENV HOME=/var/lib/rabbitmq' --change 'USER 999:999' \
    --change 'EXPOSE 5672 15672' --change 'VOLUME /var/lib/rabbitmq' --change 'CMD ["rabbitmq-server"]'
  base hub-and-spoke/nginx:1.26 nginx-light,ca-certificates -- \
    --change 'USER 101:101' --change 'EXPOSE 8443' --change 'CMD ["nginx", "-g", "daemon off;"]'
}

# A build inside reaches the package index as this machine does, with its settings and certificates.
built() { # built TAG ARGUMENTS…
  local tag=$1 secrets=()
  shift
  pip_settings >"$work/pip.conf"
  secrets+=(--secret "id=pip,src=$work/pip.conf")
  [ -e /etc/ssl/certs/ca-certificates.crt ] && secrets+=(--secret id=certificates,src=/etc/ssl/certs/ca-certificates.crt)
  docker buildx build --quiet --load --network host "${secrets[@]}" \
    --build-arg PYTHON=hub-and-spoke/python:3.13 --tag "$tag" "$@" >/dev/null
  echo "built $tag"
}

pip_settings() {
  echo "[global]"
  python3 -m pip config list | sed -nE "s/^global\.([a-z-]+)='(.*)'$/\1 = \2/p" | grep -vE '^(find-links|require-virtualenv) '
}

store() {
  built "hub-and-spoke/store-for-trials:$VERSION" --file deploy/images/store.Dockerfile .
}

services() {
  local app name
  for app in services/*/app.py; do
    name=$(basename "$(dirname "$app")")
    built "hub-and-spoke-$name:$VERSION" --build-arg "SERVICE=$name" --build-arg "VERSION=$VERSION" \
      --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" .
  done
}

[ $# -gt 0 ] || set -- tools bases store services
for part in "$@"; do "$part"; done
