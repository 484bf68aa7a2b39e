# SPDX-License-Identifier: MIT
# slow
# Secure Boot: shim, GRUB and the kernel are signed, and what is not does not start. What firmware and TPM keep.
. "$(dirname "$0")/lib.sh"

for p in sfdisk mkfs.fat mcopy; do
	PATH=$PATH:/sbin:/usr/sbin command -v $p >/dev/null || skip "$p is missing"
done
[ -e /usr/share/OVMF/OVMF_VARS_4M.ms.fd ] || [ -e /usr/share/OVMF/OVMF_VARS.ms.fd ] ||
	skip "this ovmf has no Secure Boot"
printf 'system.init = "none"\nvirtualisation.useBootLoader = true\n' >vm.lua
# GRUB as it is without Secure Boot
expect 0 "$VIV" run -q --set virtualisation.useEFIBoot=true --dry-run
unsigned=$(grep -o "filename=[^ ]*-boot-disk" "$work/out" | cut -d= -f2)
secure() { "$VIV" run -q --set virtualisation.useEFIBoot=true --set virtualisation.useSecureBoot=true "$@"; }
mkdir empty
cd empty || fail "cd"
expect 0 "$tests/e2e/terminal.py" 300 'Access Denied' '\x01x' -- "$VIV" run -q --boot-order c \
	--set virtualisation.useEFIBoot=true --set virtualisation.useSecureBoot=true \
	--set "virtualisation.qemu.drives=[{\"name\":\"u\",\"file\":\"$unsigned\",\"readOnly\":true}]"
cd ..

# Beside a disk that is kept are the variables, and what the TPM holds: an entry of the boot menu and an
# index of the TPM's memory are there at the next start.
export VIV_DISK_IMAGE=$work/kept.qcow2
variables=/sys/firmware/efi/efivars guid=8be4df61-93ca-11d2-aa0d-00e098032b8c
with=(-p e2fsprogs)
! command -v swtpm >/dev/null || with+=(-p tpm2-tools --set virtualisation.tpm.enable=true)
cat >first <<END
mokutil --sb-state
cat $variables/Boot0001-$guid >/tmp/b && cat /tmp/b >$variables/Boot0042-$guid
[ ! -e /dev/tpm0 ] || { tpm2_nvdefine -C o -s 7 0x1500016 && echo sealed | tpm2_nvwrite -C o -i - 0x1500016; }
END
cat >second <<END
cat $variables/Boot0042-$guid
[ ! -e /dev/tpm0 ] || [ "\$(tpm2_nvread -C o 0x1500016)" = sealed ]
END
expect 0 secure "${with[@]}" -- sh -e first
out_has "SecureBoot enabled"
expect 0 secure "${with[@]}" -- sh -e second
if command -v swtpm >/dev/null; then
	echo junk >kept.qcow2.tpm/tpm2-00.permall
	expect 125 secure "${with[@]}" -- true
	err_has "without that it begins anew"
fi
for name in kept*; do
	case $name in *.qcow2 | *.efi-secure-variables | *.tpm) ;; *) fail "left: $name" ;; esac
done
