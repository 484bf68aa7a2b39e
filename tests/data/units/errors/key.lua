systemd.services.x.script = [[
cat >/etc/key <<END
-----BEGIN OPENSSH PRIVATE KEY-----
END
]]
