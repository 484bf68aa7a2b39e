# SPDX-License-Identifier: MIT
# Whoever is killed, nothing stays behind, and the next run works.
. "$(dirname "$0")/lib.sh"

quick_machine
dir=$XDG_RUNTIME_DIR/viv/vm

# Starts a run in the background and waits, by a pipe, until its command is there: sets viv and qemu.
start() { # COMMAND…
	mkfifo up
	"$VIV" run -q -- sh -c "echo up; $*" >up 2>err &
	viv=$!
	read -r line <up
	[ "$line" = up ] || fail "the machine did not come up"
	rm up
	qemu=$(cut -d' ' -f2 "$dir/pid")
}

start sleep 300
kill -9 "$viv"
wait "$viv" 2>/dev/null
wait_dead "$qemu"
expect 0 "$VIV" run -q -- echo next
out_is next
[ ! -e "$dir" ] || fail "$dir is still there"

# The host's doing, as when it runs out of memory: nothing that the command did.
for pair in 9:SIGKILL TERM:signal; do
	start sleep 300
	kill -"${pair%:*}" "$qemu"
	wait "$viv"
	got=$?
	[ $got = 125 ] || fail "QEMU ended by ${pair%:*}: $got, not 125"
	err_has "from outside"
	err_has "${pair#*:}"
done

# In good order.
for pair in TERM:143 HUP:129; do
	start sleep 300
	kill -"${pair%:*}" "$viv"
	wait "$viv"
	[ $? = "${pair#*:}" ] || fail "SIG${pair%:*}: not ${pair#*:}"
	wait_dead "$qemu"
done

# Two at once are two machines; a name that was asked for clashes.
start sleep 300
expect 0 "$VIV" run -q --status s.json -- true
grep -q '"machine": "vm-2"' s.json || fail "not vm-2: $(cat s.json)"
expect 125 "$VIV" run -q --name vm -- true
err_has "a machine named vm is running"
kill "$viv"
wait "$viv"

[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv")" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"
