# SPDX-License-Identifier: MIT
# kill -9 at many moments of a build: nothing half-made is visible, and the next build goes on.
. "$(dirname "$0")/lib.sh"

quick_machine
export VIV_STORE=$work/store

for round in 1 2 3 4 5 6; do
	setsid "$VIV" build --no-link -v >log 2>&1 &
	pid=$!
	# Not after a time: after so many lines of progress, wherever that is.
	( tail -n +1 -f --pid=$pid log 2>/dev/null | sed -n "${round}q" ) 
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	expect 0 "$VIV" store verify
done
expect 0 "$VIV" build --no-link
expect 0 "$VIV" store verify
expect 0 "$VIV" store gc
[ -z "$(ls -A "$VIV_STORE/tmp" 2>/dev/null)" ] || fail "left in the store: $(ls "$VIV_STORE/tmp")"
