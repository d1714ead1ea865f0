# Sourced by the other scripts, and by you: `. scripts/env.sh`. Tells pkg-config where scripts/setup put Unicorn: with
# our patch, or as upstream made it when there is no other or OUROBOARD_ENGINE=stock.
OUROBOARD_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/ouroboard"
OUROBOARD_UNICORN_PATCH="$(dirname "${BASH_SOURCE:-scripts/env.sh}")/../subprojects/packagefiles/unicorn/owner.patch"
OUROBOARD_UNICORN_STOCK="$OUROBOARD_CACHE/unicorn-2.1.4"
# A changed patch is another engine.
OUROBOARD_UNICORN="$OUROBOARD_UNICORN_STOCK-$(sha256sum <"$OUROBOARD_UNICORN_PATCH" | cut -c 1-8)"

ouroboard_use_unicorn() { # DIRECTORY: before all others; fails when it is not there
    [ -d "$1/lib/pkgconfig" ] || return 1
    case ":${PKG_CONFIG_PATH:-}:" in
    ":$1/lib/pkgconfig:"*) ;;
    *) PKG_CONFIG_PATH="$1/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" ;;
    esac
    export PKG_CONFIG_PATH
}

if [ "${OUROBOARD_ENGINE:-}" = stock ]; then
    ouroboard_use_unicorn "$OUROBOARD_UNICORN_STOCK" || true
else
    ouroboard_use_unicorn "$OUROBOARD_UNICORN" || ouroboard_use_unicorn "$OUROBOARD_UNICORN_STOCK" || true
fi
