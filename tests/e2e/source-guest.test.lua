-- SPDX-License-Identifier: MIT
-- slow
-- Packages from source in a guest: Debian's compiler, a patched Debian package, a C tree of two files.
machine = {
	system = { init = "none" },
	packages = {
		release = "trixie",
		overlays = { function(final, prev)
			return {
				sl = prev.sl:override{ patches = { "./source-guest/fix.patch" } },
				own = mkPackage{ name = "own", src = path("./source-guest/tree") },
			}
		end },
	},
	environment = { systemPackages = { "sl", "own" } },
}

test("packages from source", function()
	machine:prints("own", "own 42")
	local versions = machine:succeed("dpkg-query -W -f '${Package} ${Version}\\n' own sl")
	t.is_true(versions:find("^own 0%+viv1%.%x+\nsl 5.*%+viv1%.%x+\n$"), versions)
	machine:succeed("grep -q 'patched by vivarium' /usr/games/sl")
	machine:prints("dpkg -V", "")
end)
