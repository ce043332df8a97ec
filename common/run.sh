#!/bin/sh
# Both phases as the cloud runs them, ./train.sh && ./inference.sh: what the image does by itself. SIGTERM and SIGINT go on to
# the phase that runs, and no other begins after them.
here=$(dirname "$(readlink -f "$0")")
. "$here/pass_on.sh"

pass_on "$here/train.sh" "$@"
[ $code = 0 ] && [ -z "$asked" ] || exit $code
pass_on "$here/inference.sh" "$@"
exit $code
