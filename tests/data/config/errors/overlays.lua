packages.overlays = {
	function(final, prev) return { aa = final.bb, bb = final.aa:override{ env = { X = "1" } } } end,
	function(final, prev) return 3 end,
	function(final, prev) return { cc = 5 } end,
	function(final, prev) return { dd = prev.dd:override{ patch = {} } } end,
	function(final, prev) return { ee = prev.ee:override{ patches = "./a" } } end,
	function(final, prev) return { ff = prev.ff:override{ src = 3 } } end,
	function(final, prev) end,
	function(final, prev) return { gg = prev.gg:override(function(p) return { version = "a b" } end) } end,
	function(final, prev) return { hh = prev.hh.version } end,
	function(final, prev) return { ["h h"] = prev.hh } end,
	function(final, prev) return { ii = mkPackage{ name = "ii" } } end,
	function(final, prev) return { jj = mkPackage{ name = "jj:amd64", src = "./jj" } } end,
}
environment.systemPackages = {
	pkgs.tmux:override{ version = "1" },
	pkgs.tmux:override{ version = "2" },
}
