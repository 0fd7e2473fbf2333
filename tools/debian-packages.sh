#!/usr/bin/env bash
# Debian packages that some tests use where they are there: Prometheus with promtool, chronyd, ptp4l, systemd-analyze,
# tmux, strace, and Chromium, which opens the results explorer.
# For machines that only test: installing chrony replaces another time service. No service is started, and nothing
# that the project itself needs comes from here.
set -euo pipefail
packages=(
  chromium
  chrony
  linuxptp
  prometheus
  strace
  systemd
  tmux
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "not installed: ${missing[*]}; the tests that need them are skipped (Debian, as root: tools/debian-packages.sh)" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# 101: "action forbidden by policy", which keeps freshly installed services from being started.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get -o Acquire::Retries=3 update -qq
apt-get -o Acquire::Retries=3 install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
