systemd.services.a = {
	script = "x",
	serviceConfig = { ExecStart = "/bin/x" },
}
systemd.services["b@"] = { wantedBy = { "multi-user.target" }, script = "x" }
systemd.mounts = {
	{ what = "tmpfs" },
	{ where = "/x" },
	{ what = "a", where = "/x" },
}
systemd.services.percent = { script = "true", wantedBy = { "multi-user.target", "%i.target" } }
systemd.services["percent@x"].requiredBy = { "%i.target" }
systemd.tmpfiles.rules = {
	"garbage",
	"d run/x",
	"d",
	"D+! /run/fine 0755 root root -", "# a comment", "", "d \"/run/a b\"", "L? %h/x",
	"dd /run/x",
	"d /x 9999", "d /x 17777", "d /x rwx", "d /x ~:0755", "d /x :755 - -", "d /x - - -", "d \"/a b\" x",
}
