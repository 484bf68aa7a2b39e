environment.systemPackages = {
	pkgs.tmux:override{ version = "1" },
	pkgs.tmux:override{ version = "2" },
}
packages.overlays = { function(final, prev) return { aa = final.aa:override{ version = "1" } } end }
