# SPDX-License-Identifier: MIT
# slow
# A disk that is full while a machine is saved: the error says so, nothing is left of the state, and the machine goes on.
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
