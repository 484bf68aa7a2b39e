# SPDX-License-Identifier: MIT
# What is wrong in everyday.test.lua's kind of description, as the machine's own programs say.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOF'
security.sudo = { enable = true, extraConfig = "Defaults lecture = never" }
i18n = { defaultLocale = "de_DE.UTF-8" }
time.timeZone = "Europe/Lisbon"
boot = { kernel = "linux-image-cloud-amd64", kernelPatches = {} }
services.nginx = { enable = true, virtualHosts = { web = {} }, appendHttpConfig = "server_names_hash_bucket_size 128;" }
EOF

# What is wrong is said by the machine's own programs, with its line.
cp vm.lua good.lua
wrong() { # EDIT STATEMENT MESSAGE
	sed "$1" good.lua >vm.lua
	expect 125 "$VIV" build -q --no-link
	line=$(cat err) place=vm.lua:$(grep -n "^$2" good.lua | cut -d: -f1)
	[[ $line == "viv: $place: $3"* ]] || fail "not \"viv: $place: $3\""
}
wrong '/^i18n/s/de_DE/xx_YY/' i18n "i18n.defaultLocale: there is no locale xx_YY.UTF-8"
wrong 's/Lisbon/Nowhere/' time "time.timeZone: there is no time zone Europe/Nowhere in the machine"
wrong '/^boot/{s/cloud/rt/;s/{}/{ { extraConfig = "DEBUG_LIST y" } }/}' boot "boot.kernelPatches: linux-image-rt-amd64"
wrong '/^boot/s/{} }/{}, kernelModules = { "nosuchmod" } }/' boot "boot.kernelModules: the kernel has no module nosuchmod"
wrong 's/server_names_hash_bucket_size 128/no_such_thing on/' services.nginx \
	'services.nginx.virtualHosts: nginx: [emerg] unknown directive "no_such_thing"'
wrong 's/Defaults lecture = never/Defaults lecture +/' security.sudo "security.sudo.extraConfig: "
