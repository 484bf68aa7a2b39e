-- SPDX-License-Identifier: MIT
-- slow
-- A matrix of kernels: the same test on each.
local kernel = matrix("kernel", { "linux-image-cloud-amd64", "linux-image-amd64" })
machine.imports = { "profiles/minimal" }
machine.boot.kernel = kernel

test("kernels", function()
	local cloud = machine:succeed("uname -r"):find("-cloud-amd64", 1, true) ~= nil
	t.equal(cloud, kernel == "linux-image-cloud-amd64", "is it the cloud's kernel")
end)
