#!/bin/bash
# layer.sh BASE LAYER SCRIPT : run SCRIPT in a chroot over BASE with Debian's package sources; what
# it changes becomes the overlay layer LAYER. The folder LAB_SHARE is visible there as /mnt.
# Variables: LAB_MIRROR, LAB_SUITE, LAB_SHARE. The caller gives it a mount namespace of its own.
set -eu
base=$1 layer=$2 script=$3
work=$layer.work
mkdir -p "$layer" "$work/work" "$work/root"
root=$work/root
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer,workdir=$work/work" "$root"
mount --bind "$LAB_SHARE" "$root/mnt"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
cp -L /etc/resolv.conf "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$root/etc/resolv.conf"
mount -t tmpfs tmpfs "$root/etc/apt/sources.list.d"
signed=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$signed] $LAB_MIRROR $LAB_SUITE main" >"$root/etc/apt/sources.list.d/debian.list"
cp "$script" "$root/tmp/script"
export DEBIAN_FRONTEND=noninteractive
chroot "$root" bash -eu /tmp/script
umount -R "$root"
rm -rf "$work" "$layer/var/lib/apt/lists" "$layer/var/cache/apt"
