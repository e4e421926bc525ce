#!/bin/bash
# base.sh DIR CA_CERT : Debian with systemd, sshd and sudo but no Docker, made into a machine image:
# what all kinds of host have in common. Variables: LAB_MIRROR, LAB_SUITE, LAB_RESOLVER, LAB_GUEST
# (the folder guest/).
set -eu
root=$1 ca=$2
packages=systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,iptables,nftables,kmod
packages+=,ca-certificates,curl,procps,netbase,iputils-ping,less,python3-minimal
signed=/usr/share/keyrings/debian-archive-keyring.gpg

mmdebstrap --mode=root --variant=minbase --include=$packages \
    --aptopt='Acquire::Languages "none"' --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$LAB_SUITE" "$root" "deb [signed-by=$signed] $LAB_MIRROR $LAB_SUITE main"

# Users: ec2-user with sudo and no password, on every kind of host.
chroot "$root" useradd --create-home --shell /bin/bash --uid 1000 ec2-user
chroot "$root" usermod --password '*' ec2-user
echo 'ec2-user ALL=(ALL) NOPASSWD:ALL' >"$root/etc/sudoers.d/90-cloud-init-users"
chmod 440 "$root/etc/sudoers.d/90-cloud-init-users"
echo ec2-user >"$root/etc/lab-login-users"

# sshd: keys only; host keys are made anew at the first boot.
rm -f "$root"/etc/ssh/ssh_host_*
printf '%s\n' 'PasswordAuthentication no' 'PermitRootLogin no' 'UseDNS no' \
    >"$root/etc/ssh/sshd_config.d/lab.conf"

# The lab's registry speaks for Docker Hub, hence its authority is trusted.
install -m 644 "$ca" "$root/usr/local/share/ca-certificates/lab.crt"
chroot "$root" update-ca-certificates >/dev/null

# Package sources come with the layer on top. The resolver is the VPC's.
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
: >"$root/etc/apt/sources.list"
rm -f "$root/etc/resolv.conf"
echo "nameserver $LAB_RESOLVER" >"$root/etc/resolv.conf"
echo uninitialized >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
mkdir -p "$root/opt/lab-repo" "$root/var/lib/docker"

# The lab's own units.
units=$root/etc/systemd/system
install -m 755 "$LAB_GUEST/lab-cloud-init" "$root/usr/local/sbin/lab-cloud-init"
for unit in lab-cloud-init.service lab-hostkeys.service; do
    install -m 644 "$LAB_GUEST/$unit" "$units/$unit"
    mkdir -p "$units/multi-user.target.wants"
    ln -sf "/etc/systemd/system/$unit" "$units/multi-user.target.wants/$unit"
done
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

# What makes no sense in a guest that shares the machine's kernel, or only costs time at boot.
for unit in systemd-firstboot.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    fstrim.timer e2scrub_all.timer e2scrub_reap.service systemd-timesyncd.service \
    getty@tty1.service console-getty.service systemd-networkd.service \
    systemd-networkd-wait-online.service systemd-udevd.service systemd-udev-trigger.service \
    systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-journal-flush.service \
    systemd-random-seed.service systemd-update-utmp.service systemd-modules-load.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-fs-fuse-connections.mount modprobe@.service systemd-binfmt.service nftables.service \
    proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount; do
    ln -sf /dev/null "$units/$unit"
done
