# SPDX-License-Identifier: MIT
# slow
# A disk that is full while a machine is saved, or goes back: the error says so, nothing is left of it, and the machine goes on.
# A state that QEMU does not take: the error has QEMU's words.
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "only root can mount a small file system"
mkdir small
unshare -m mount -t tmpfs none small 2>/dev/null || skip "nothing can be mounted here"

cat >full.test.lua <<'END'
machine.imports = { "profiles/minimal" }
machine.virtualisation.exchangeFolders = false
machine.virtualisation.memorySize = 256
machine.virtualisation.emptyDiskImages = { { size = 256, serial = "large" } }

local function write(at)
	machine:succeed(("dd if=/dev/urandom of=$(readlink -f /dev/disk/by-id/virtio-large) bs=1M count=60 seek=%d conv=notrunc; sync"):format(at))
end

test("full", function()
	machine:succeed("echo here >/run/here")
	write(0)
	t.raises(function() machine:save("up") end, "copying a disk: No space left on device")
	machine:succeed("cat /run/here")
	write(60)
	t.raises(function() machine:save("up") end, "it can't be saved: No space left on device")
	machine:succeed("cat /run/here")
	t.raises(function() machine:restore("up") end, "no state of it is saved")
	machine:shutdown()
end)
END
# As long as it lasts, the file system is this one's alone.
expect 0 unshare -m sh -c 'mount -t tmpfs -o size=200m none small && TMPDIR=$PWD/small exec "$0" test --log full.test.lua' "$VIV"
out_has "1 passed, 0 failed"

# The state's file has no name: it is found among those of the process that runs the test.
cat >back.test.lua <<'END'
machine.imports = { "profiles/minimal" }
machine.virtualisation.exchangeFolders = false
machine.virtualisation.memorySize = 256
machine.virtualisation.emptyDiskImages = { { size = 256, serial = "large" } }

local function write(at, size)
	machine:succeed(("dd if=/dev/urandom of=$(readlink -f /dev/disk/by-id/virtio-large) bs=1M count=%d seek=%d conv=notrunc,fsync"):format(size, at))
end
local function spoil(how)
	machine:succeed(("echo spoil %s >/dev/console"):format(how))
	machine:wait_for_file("/run/spoilt-" .. how)
end

test("back", function()
	write(0, 80)
	machine:save("up")
	write(80, 60)
	machine:succeed("echo here >/run/here")
	t.raises(function() machine:restore("up") end, "copying a disk: No space left on device")
	t.equal(machine:succeed("cat /run/here"), "here\n")
	machine:shutdown()
end)

-- The machine's end is what is asked for: nothing is told of it.
test("wanted", function()
	machine:save("up")
	machine:restore("up")
	machine:crash()
end)

test("refused", function()
	for _, how in ipairs { "begin", "end" } do
		machine:save("up")
		spoil(how)
		local ok, why = pcall(machine.restore, machine, "up")

		t.is_false(ok)
		t.contains(tostring(why), "machine: QEMU can't go back to its state up: QEMU ended: exit status 1")
		t.contains(tostring(why), "load of migration failed")
		t.is_false(machine:is_up())
	end
end)
END
expect 0 unshare -m sh -c 'mount -t tmpfs -o size=400m none small && TMPDIR=$PWD/small exec "$0" test --log --only back back.test.lua' "$VIV"
out_has "1 passed, 0 failed"

expect 0 "$VIV" test --log --only wanted back.test.lua
out_has "1 passed, 0 failed"
! grep -hF "it was stopped" "$work/out" "$work/err" || fail "restore says the end that it makes"

state_of() { # PID: its files that begin as QEMU's states do
	local fd
	for fd in "/proc/$1/fd"/*; do
		case $(readlink "$fd") in *"(deleted)") [ "$(head -c 4 "$fd" | tr -d '\0')" != QEVM ] || echo "$fd" ;; esac
	done
}
mkfifo said
"$VIV" test --log --only refused back.test.lua >said 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid; cleanup' EXIT # it waits for what is spoilt
while read -r line; do
	echo "$line" >>told
	case $line in
	*"# spoil begin"*) how=begin ;;
	*"# spoil end"*) how=end ;;
	*) continue ;;
	esac
	file=$(for p in $(pgrep -P $pid) $pid; do state_of "$p"; done | head -n 1)
	[ -n "$file" ] || fail "no state is found"
	case $how in
	begin) printf 'XXXX' | dd of="$file" conv=notrunc status=none ;;
	end) truncate -s 20M "$file" ;;
	esac
	expect 0 "$VIV" exec machine -- touch "/run/spoilt-$how"
done <said
wait $pid || fail "a state that QEMU refuses: $(tail -n 30 told)"
grep -q "1 passed, 0 failed" told || fail "a state that QEMU refuses"
