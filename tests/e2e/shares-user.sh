# SPDX-License-Identifier: MIT
# Owners in shares of an ordinary user: what is his is root's in the guest, and the other way round.
. "$(dirname "$0")/lib.sh"

quick_machine
user_machine
cd u/proj || exit 1

# Interrupted while virtiofsd's sandbox is made, and the programs that make it with it
mkdir "$work/bin"
cat >"$work/bin/newuidmap" <<'S'
#!/bin/sh
[ -d "$XDG_RUNTIME_DIR/viv/vm/shares" ] || exec /usr/bin/newuidmap "$@"
kill -"$(cat "$HOME/signal")" $PPID
exit 1
S
chmod 755 "$work/bin/newuidmap"
for signal in INT:130 TERM:143; do
	echo "${signal%:*}" >"$work/u/home/signal"
	expect "${signal#*:}" as env --default-signal=INT,TERM PATH="$work/bin:$PATH" \
		"$VIV" run -q --status "$work/u/home/status" -- true
	grep -q "\"status\": ${signal#*:}" "$work/u/home/status" &&
		grep -q '"kind": "signal"' "$work/u/home/status" ||
		fail "SIG${signal%:*}: $(cat "$work/u/home/status")"
	err_has "viv: ended by "
	[ -z "$(ls -A "$work/u/run/viv")" ] || fail "left: $(find "$work/u/run/viv")"
done

echo yours >other && echo readable >readable && chmod 600 other
install -o $user -g $user -m 600 /dev/null private
cat >script <<'S'
set -e
[ "$(stat -c %u:%g .)" = 0:0 ] && [ "$(stat -c %u:%g private)" = 0:0 ]
[ "$(stat -c %u readable)" = 65534 ] && [ "$(cat readable)" = readable ]
! cat other; ! sh -c 'echo x >readable'; ! chown 0:0 readable
mkdir made; echo a >made/a; chmod 777 made; chown 1000:1000 made/a
! mknod made/null c 1 3
cat >as-1000 <<T
cd made && touch b && mkdir /tmp/xchg/d && touch /tmp/xchg/d/e
! touch ../c
T
setpriv --reuid 1000 --regid 1000 --clear-groups sh -e as-1000
S
chown $user:$user script
expect 0 as "$VIV" run -q --rw --timeout 5m -- sh script
owner_is made $user:$user
owner_is as-1000 $user:$user
owner_is made/a 300999:300999
owner_is made/b 300999:300999
owner_is readable 0:0
# What users of the guest's left in /tmp/xchg is gone, too.
[ -z "$(ls -A "$work/u/run/viv")" ] || fail "left: $(find "$work/u/run/viv")"
