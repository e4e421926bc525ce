#!/bin/bash
# In a chroot: the Debian look-alike. The user `admin` of the real images beside ec2-user, and apt
# with the lab's repository as its only source.
set -eu
useradd --create-home --shell /bin/bash --uid 1001 --password '*' admin
echo 'admin ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/91-admin
chmod 440 /etc/sudoers.d/91-admin
echo admin >>/etc/lab-login-users
# The real images install what a package recommends, as they come.
rm -f /etc/apt/apt.conf.d/99mmdebstrap
# The folder of sources is masked while the layer is built, so this goes into the file beside it.
echo 'deb [trusted=yes] file:/opt/lab-repo/apt ./' >/etc/apt/sources.list
