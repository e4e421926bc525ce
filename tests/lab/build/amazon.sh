#!/bin/bash
# In a chroot: the Amazon Linux 2023 look-alike. `dnf` with one repository, which holds a package
# `docker` made of the same binaries as Debian's; no apt; os-release as on the real one.
# /mnt/debs: Docker's Debian packages; /mnt/rpm: becomes the dnf repository.
set -eu
apt-get -qq update
apt-get -qq -y --no-install-recommends install dnf rpm createrepo-c >/dev/null

build=/tmp/build
mkdir -p $build/root
for deb in /mnt/debs/*.deb; do
    case $deb in */busybox*) continue ;; esac
    dpkg-deb -x "$deb" $build/root
done
cd $build/root
rm -rf usr/share etc/init.d etc/default lib/udev
if [ -d lib ]; then # this system has a merged /usr
    mkdir -p usr/lib
    cp -a lib/. usr/lib/
    rm -rf lib
fi
cd /

cat >$build/docker.spec <<'SPEC'
Name: docker
Version: 20.10.24
Release: 1.amzn2023.lab
Summary: Docker, as the lab's look-alike of Amazon Linux installs it
License: ASL 2.0
AutoReqProv: no
%define _binary_payload w1.zstdio
%define debug_package %{nil}
%define __os_install_post %{nil}
%description
docker, containerd, runc and tini
%install
cp -a /tmp/build/root/. %{buildroot}/
%pre
getent group docker >/dev/null || groupadd -r docker
%post
systemctl daemon-reload >/dev/null 2>&1 || :
%files
/usr/*
/etc/*
SPEC
cat >$build/system-release.spec <<'SPEC'
Name: system-release
Version: 2023.6.20250107
Release: 0.amzn2023
Summary: stands for the base system in the RPM database
License: MIT
BuildArch: noarch
AutoReqProv: no
Provides: /bin/sh
Provides: system-release = 2023
Provides: system-release(releasever) = 2023
%description
The files of the base system belong to dpkg.
%files
SPEC
for spec in system-release docker; do
    rpmbuild -bb --define "_topdir $build/rpm" --define "_build_id_links none" $build/$spec.spec \
        >$build/log 2>&1 || { tail -20 $build/log; exit 1; }
done
rpm -i --nodeps --force-debian $build/rpm/RPMS/noarch/*.rpm
rm -rf /mnt/rpm/*
cp $build/rpm/RPMS/"$(uname -m)"/*.rpm /mnt/rpm/
createrepo_c -q /mnt/rpm
apt-get -qq -y purge createrepo-c >/dev/null

mkdir -p /etc/yum.repos.d
cat >/etc/yum.repos.d/amazonlinux.repo <<'REPO'
[amazonlinux]
name=Amazon Linux 2023 repository
baseurl=file:///opt/lab-repo/rpm
enabled=1
gpgcheck=0
REPO
ln -sf dnf /usr/bin/yum
rm -f /usr/bin/apt /usr/bin/apt-get /etc/debian_version
rm -f /etc/os-release
cat >/usr/lib/os-release <<'RELEASE'
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023.6.20250107"
VARIANT="Subako lab look-alike"
RELEASE
ln -s ../usr/lib/os-release /etc/os-release
echo 'Amazon Linux release 2023.6.20250107 (Amazon Linux)' >/etc/system-release
ln -sf /lib/systemd/system/ssh.service /etc/systemd/system/sshd.service
