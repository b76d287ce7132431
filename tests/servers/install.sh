#!/bin/sh
# Installs the Debian packages that the tests need and that are missing: as root at once; otherwise it says how.
# It leaves no server running: the tests start their own.
set -eu

wanted=""
want() { wanted="$wanted $1"; }
has() { command -v "$1" >/dev/null 2>&1; }
file() { for found in "$@"; do [ -e "$found" ] && return 0; done; return 1; }

{ file /usr/lib/postgresql/*/bin/initdb || has initdb; } || want postgresql
{ file /usr/lib/rabbitmq/bin/rabbitmq-server || has rabbitmq-server; } || want rabbitmq-server
has redis-server || want redis-server
{ has pgbouncer || file /usr/sbin/pgbouncer; } || want pgbouncer
{ has nginx || file /usr/sbin/nginx; } || want nginx-light
has git || want git
has promtool || want prometheus
{ has sshd || file /usr/sbin/sshd; } || want openssh-server
has chromium-headless-shell || want chromium-headless-shell
{ has xgettext && has msgmerge; } || want gettext
# Pages show Latin, Arabic and Chinese, Japanese and Korean text; without glyphs a picture of them shows boxes.
file /usr/share/fonts/truetype/noto/NotoSansArabic-Regular.* || want fonts-noto-core
file /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.* || want fonts-noto-cjk

[ -n "$wanted" ] || exit 0

if ! has apt-get; then
    echo "The tests need these programs (named as Debian's packages), and there is no apt-get to install them:$wanted" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "The tests need: sudo apt-get update && sudo apt-get install --no-install-recommends$wanted" >&2
    exit 1
fi

# The packages ask this file before they start a service; 101 means "no".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
# The list is made of the words above: it is split on purpose.
# shellcheck disable=SC2086
apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $wanted
