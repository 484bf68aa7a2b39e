imports = {
	"./missing.lua",
	"profiles/qemu-gest",
	"common.lua",
	"./hardware.nix",
	"./",
	3,
}
imports = "./x.lua"
imports = { "./range-part.inc" }
