-- SPDX-License-Identifier: MIT
-- slow
-- ssh from one machine into another, with keys from its description. runit.sh has settings that sshd does not know.
machines.sshd = {
	services = { openssh = {
		enable = true, ports = { 22, 2022 },
		settings = { PasswordAuthentication = false, AllowUsers = { "root", "paul" } },
	} },
	users = { users = {
		root = { openssh = { authorizedKeys = { keys = {
			"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3+MIf76XEu38MJIeSF521y5O+N3nu8bwLGqlfbtK+B root@client",
		} } } },
		paul = { isNormalUser = true, openssh = { authorizedKeys = { keyFiles = { "../data/ssh/paul.pub" } } } },
	} },
	networking = { domain = "example.org", extraHosts = "192.0.2.1 far" },
}
machines.client = {
	imports = { "profiles/minimal" },
	environment = { systemPackages = { "openssh-client" } },
}

local function ssh(key, user, command)
	return ("ssh -F none -p 2022 -i /root/ssh/%s -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no " ..
		"-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR %s@sshd '%s'"):format(key, user, command)
end

test("ssh", function()
	start_all()
	client:copy_from_host("../data/ssh", "/root/ssh")
	client:succeed("chmod 600 /root/ssh/*")
	sshd:wait_for_open_port(2022)

	subtest("who has the key", function()
		client:prints(ssh("root", "root", "id -un; hostname -f; getent hosts far"),
			"root\nsshd.example.org\n192.0.2.1       far")
		client:prints(ssh("paul", "paul", "id -un; pwd"), "paul\n/home/paul")
		t.contains(client:fail(ssh("paul", "root", "true") .. " 2>&1"), "Permission denied")
	end)

	subtest("started for each connection, with host keys that are made for it", function()
		sshd:stop_job("ssh")
		sshd:succeed([[
			rm /etc/ssh/ssh_host_*
			printf "[Socket]\nListenStream=2022\nAccept=yes\n" >/run/systemd/system/sshd.socket
			systemctl daemon-reload
		]])
		t.equal(sshd:start_job("sshd.socket"), 0)
		client:prints(ssh("paul", "paul", "id -un"), "paul")
		sshd:require_unit_state("ssh", "inactive")
		sshd:succeed("test -s /etc/ssh/ssh_host_ed25519_key")
		sshd:prints("systemctl --failed --no-legend", "")
	end)
end)
