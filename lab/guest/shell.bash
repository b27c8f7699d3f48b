# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a person has in `make lab-shell`. $LAB_INTERFACE, $LAB_ADDRESS (PCI), $LAB_DRIVER and $LAB_CONFIGURE are set.

PS1='lab# '
stty rows 50 columns 160

break() {
    setpci -s "$LAB_ADDRESS" COMMAND=0:4
    echo "$LAB_INTERFACE may no longer read memory: it hangs. dmesg -w shows what the kernel makes of it; mend brings it back."
}
mend() {
    setpci -s "$LAB_ADDRESS" COMMAND=4:4
    driver=$(readlink -f "/sys/bus/pci/devices/$LAB_ADDRESS/driver")
    echo "$LAB_ADDRESS" >"$driver/unbind"
    echo "$LAB_ADDRESS" >"$driver/bind"
    sleep 0.5
    printf '%s' "$LAB_CONFIGURE" | ip -batch -
    echo "$LAB_DRIVER was bound to $LAB_ADDRESS anew, and $LAB_INTERFACE has its addresses back."
}
flood() { nice python3 /mnt/flood.py 10.77.0.1 "${1:-30}" & }
leave() { sh /mnt/power-cut; }

echo "A machine with $LAB_INTERFACE ($LAB_DRIVER). Its file system is this host's; changes are gone at the end."
echo 'Type: break   mend   flood [SECONDS]   leave'
