-- The order of overlays, final and prev, names that are new, functions of what was before.
packages.overlays = {
	function(final, prev)
		return {
			htop = prev.htop:override{ patches = { "/one.patch" }, env = { ONE = "1" } },
			tool = mkPackage{ name = "tool", src = fetchGit "/tree", buildInputs = { final.htop, "libfoo-dev" } },
			editor = prev.vim,
			early = final.late,
			mine = prev["libc6"],
		}
	end,
	function(final, prev)
		return {
			htop = prev.htop:overrideAttrs(function(before)
				local patches = before.patches
				table.insert(patches, "/two.patch")
				return { patches = patches, version = before.version or "2" }
			end),
			late = final.htop:override{ env = { TWO = "2" } },
		}
	end,
}
nixpkgs.overlays = {
	function(final, prev) return { tool = prev.tool:override{ version = "3", configure = "./configure" } } end,
}
environment.systemPackages = { pkgs.tmux:override{ src = path("/tmux") }, "tool", pkgs.htop }
