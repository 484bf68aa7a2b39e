# SPDX-License-Identifier: MIT
# slow
# ssh into a machine, with keys from its description.
. "$(dirname "$0")/lib.sh"

for p in ssh ssh-keygen python3; do
	command -v $p >/dev/null || skip "$p is missing"
done
ssh-keygen -q -t ed25519 -N "" -f root-key
ssh-keygen -q -t ed25519 -N "" -f paul-key
cat >vm.lua <<LUA
services.openssh.enable = true
services.openssh.ports = { 22, 2022 }
services.openssh.settings = { PasswordAuthentication = false, AllowUsers = { "root", "paul" } }
users.users.root.openssh.authorizedKeys.keys = { "$(cat root-key.pub)" }
users.users.paul = { isNormalUser = true, openssh = { authorizedKeys = { keyFiles = { "./paul-key.pub" } } } }
networking.hostName = "sshd"
networking.domain = "example.org"
networking.extraHosts = "192.0.2.1 far"
LUA
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkfifo in out.fifo
"$VIV" run -q --timeout 15m --forward $port:2022 -- sh -c 'echo up; read line' <in >out.fifo 2>run.err &
run=$!
exec 4>in 5<out.fifo
read -r -t 800 line <&5 && [ "$line" = up ] || fail "no boot: $(cat run.err)"
to() { # KEY USER COMMAND…
	local key=$1 user=$2
	shift 2
	ssh -F none -p "$port" -i "$key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=120 "$user@127.0.0.1" "$@"
}
expect 0 to root-key root 'id -un; hostname -f; getent hosts far'
out_has root
out_has sshd.example.org
out_has 192.0.2.1
expect 0 to paul-key paul 'id -un; pwd'
out_has /home/paul
expect 255 to paul-key root true
err_has "Permission denied"
# Started for each connection, without a server: the keys are made for that, too.
expect 0 to root-key root 'printf "[Socket]\nListenStream=2022\nAccept=yes\n" >/run/systemd/system/sshd.socket
systemctl daemon-reload; systemctl stop ssh.service; rm /etc/ssh/ssh_host_*
systemctl start sshd.socket'
expect 0 to paul-key paul id -un
out_has paul
expect 0 to root-key root 'systemctl is-active ssh.service; ls /etc/ssh/ssh_host_ed25519_key; systemctl --failed -q'
out_is "inactive
/etc/ssh/ssh_host_ed25519_key"
echo >&4
exec 4>&- 5<&-
wait $run || fail "run: $(cat run.err)"

# The machine's own sshd looks at its settings.
sed 's/AllowUsers = .*" }/Bogus = true/' vm.lua >bogus.lua
expect 125 "$VIV" build -q --no-link bogus.lua
err_has "bogus.lua:3: services.openssh.settings: /etc/ssh/sshd_config.d/viv.conf: line "
err_has "Bad configuration option: Bogus"

# A private key is no public one.
sed -i 's/paul-key.pub/paul-key/' vm.lua
expect 125 "$VIV" build -q --no-link
err_has "vm.lua:5: users.users.paul.openssh.authorizedKeys.keyFiles[1]"
err_has "is a private key"
sed -i 's/^services.openssh.enable.*/services.openssh.enable = true; system.init = "none"/; s/paul-key"/paul-key.pub"/' vm.lua
expect 125 "$VIV" build -q --no-link
err_has 'vm.lua:1: services.openssh.enable: needs system.init = "systemd" or "runit"'
