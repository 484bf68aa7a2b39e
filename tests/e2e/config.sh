# SPDX-License-Identifier: MIT
# viv init, eval and options. Boots nothing.
. "$(dirname "$0")/lib.sh"

# init: what it writes loads, and it overwrites nothing
expect 0 "$VIV" init
head -n 3 vm.lua | grep -q 'Lists append' || fail "the first lines don't say what lists do"
expect 0 "$VIV" eval networking.hostName
out_is '"vm"'
echo "-- mine" >vm.lua
expect 125 "$VIV" init
err_has "vm.lua is there already"
[ "$(cat vm.lua)" = "-- mine" ] || fail "init wrote over a file"
expect 0 "$VIV" init other.lua
expect 125 "$VIV" init nowhere/vm.lua
expect 2 "$VIV" init a b

# eval
cat >vm.lua <<'LUA'
virtualisation.cores = mkDefault(2)
virtualisation.cores = mkForce(4)
boot.kernelParams = { "a" }
print("said")
LUA
expect 0 "$VIV" eval virtualisation.cores
out_is 4
err_has said
expect 0 "$VIV" eval -q vm.lua virtualisation.cores boot.kernelParams --add boot.kernelParams=b
out_is '{
  "boot.kernelParams": [
    "a",
    "b"
  ],
  "virtualisation.cores": 4
}'

# what a block prints comes once, and only if the block is taken
cat >blocks.lua <<'LUA'
mkIf(false, function() print("plain no") end)
mkIf(true, function() print("plain yes") end)
mkIf(ref "virtualisation.graphics", function() print("lazy", "maybe") end)
mkIf(function(config) print("asked") return config.virtualisation.cores == 3 end, function()
	print("three")
end)
mkIf(function(config) return config.system.init == "none" end, function()
	virtualisation.cores = 3
end)
LUA
expect 0 "$VIV" eval blocks.lua virtualisation.cores
err_is 'viv: plain yes
viv: asked'
expect 0 "$VIV" eval blocks.lua --set system.init=none virtualisation.cores
out_is 3
err_is 'viv: plain yes
viv: asked
viv: three'
expect 0 "$VIV" eval other.lua --set virtualisation.cores=7 virtualisation.cores
out_is 7
expect 0 "$VIV" eval --why virtualisation.cores
out_is 'virtualisation.cores
  * vm.lua:2, priority 50: 4
    vm.lua:1, priority 1000: 2'
expect 0 "$VIV" eval --json --why time.timeZone
out_has '"place": "default"'
expect 0 "$VIV" eval
out_has '"hostName": "vm"'
expect 2 "$VIV" eval virtualisation.core
err_has "did you mean virtualisation.cores?"
expect 2 "$VIV" eval --why virtualisation.core
err_has "did you mean virtualisation.cores?"
expect 125 "$VIV" eval nothing.lua
err_has "cannot read nothing.lua"
printf 'virtualisation.cores =\n"four"\nnetworking.hostname = "x"\n' >wrong.lua
expect 125 "$VIV" eval wrong.lua
[ "$(cat err)" = 'viv: wrong.lua:1: virtualisation.cores: expected an integer from 1 to 512, got "four"
wrong.lua:3: no option networking.hostname (did you mean networking.hostName?)' ] || fail "wrong messages"
# what an init system can't do is said where it was asked for
cat >vm.lua <<'LUA'
system.init = "none"
services.openssh.enable = true
LUA
expect 125 "$VIV" eval
err_has 'vm.lua:2: services.openssh.enable: needs system.init = "systemd" or "runit", and it is "none"'
expect 0 "$VIV" eval --set services.openssh.enable=false services.openssh.enable
expect 0 "$VIV" options services.openssh.enable
out_has 'Needs:   system.init = "systemd" or "runit"'
mkdir empty && cd empty || exit 1
expect 0 "$VIV" eval virtualisation.cores
out_is 1
cd ..

# options
expect 0 "$VIV" options cores
out_has "an integer from 1 to 512"
expect 0 "$VIV" options
out_has "users.users.<name>.uid"
expect 0 "$VIV" options --json cores
out_has '"name": "virtualisation.cores"'
expect 0 "$VIV" options --man
out_has ".TH VM.LUA 5"
expect 1 "$VIV" options nothing-like-it
err_has "no option has"

# a misspelt release, with near names
expect 125 "$VIV" build other.lua --set packages.release=trixy
err_has "command line: packages.release: no Debian release trixy (did you mean trixie?)"
printf '\npackages.release = "nosuch"\n' >nosuch.lua
expect 125 "$VIV" build nosuch.lua
err_has "nosuch.lua:2: packages.release: no mirror of Debian nosuch is known"
