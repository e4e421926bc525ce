#!/bin/bash
# In a chroot: download what `apt-get install docker.io` needs on top of the base, and busybox for
# the container images, into /mnt.
set -eu
apt-get -qq update
apt-get -qq -y --no-install-recommends -o APT::Sandbox::User=root -d install docker.io busybox-static
rm -f /mnt/*.deb
cp /var/cache/apt/archives/*.deb /mnt/
