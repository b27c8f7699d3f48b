#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The first boot of an image, as its process 1: what needs the real disk. Says LAB-FINISHED on the console if all went well.
set -x
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [ "$0" = /lab-finish ]; then
    # From a tmpfs: a deleted file that is still open would keep the root file system from being left clean.
    mv /lab-finish /run/lab-finish
    exec sh /run/lab-finish
fi
# As udev would: update-grub names the root file system by its UUID only if this link is there.
mkdir -p /dev/disk/by-uuid
ln -s /dev/vda1 "/dev/disk/by-uuid/$(blkid -s UUID -o value /dev/vda1)"
grub-install /dev/vda && update-grub && grub-editenv - create && sync && mount -o remount,ro / && echo LAB-FINISHED
echo o >/proc/sysrq-trigger
sleep 60
