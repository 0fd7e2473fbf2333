#!/usr/bin/env bash
# Debian packages that some tests use where they are there: Chromium, which opens the results explorer.
# For machines that only test. No service is started, and nothing that the project itself needs comes from here.
set -euo pipefail
packages=(
  chromium
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
apt-get -o Acquire::Retries=3 update -qq
apt-get -o Acquire::Retries=3 install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
