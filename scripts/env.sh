# Sourced by the other scripts, and by you: `. scripts/env.sh`. Tells pkg-config where scripts/setup put Unicorn.
OUROBOARD_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/ouroboard"
OUROBOARD_UNICORN="$OUROBOARD_CACHE/unicorn-2.1.4"
if [ -d "$OUROBOARD_UNICORN/lib/pkgconfig" ]; then
    case ":${PKG_CONFIG_PATH:-}:" in
    *":$OUROBOARD_UNICORN/lib/pkgconfig:"*) ;;
    *) PKG_CONFIG_PATH="$OUROBOARD_UNICORN/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" ;;
    esac
    export PKG_CONFIG_PATH
fi
