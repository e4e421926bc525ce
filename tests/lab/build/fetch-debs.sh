#!/bin/bash
# In a chroot: download what `apt-get install docker.io` needs on top of the base, and busybox for
# the container images, into /mnt; and the next Debian's Docker, which runs on this one as well,
# into /mnt/newer. Variables: LAB_MIRROR, LAB_NEWER_SUITE.
set -eu
apt-get -qq update
apt-get -qq -y --no-install-recommends -o APT::Sandbox::User=root -d install docker.io busybox-static
rm -rf /mnt/*.deb /mnt/newer
cp /var/cache/apt/archives/*.deb /mnt/

signed=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$signed] $LAB_MIRROR $LAB_NEWER_SUITE main" >/etc/apt/sources.list.d/newer.list
apt-get -qq update
mkdir /mnt/newer
cd /mnt/newer
apt-get -qq -o APT::Sandbox::User=root download "docker.io/$LAB_NEWER_SUITE" "docker-cli/$LAB_NEWER_SUITE"
