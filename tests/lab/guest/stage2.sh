#!/bin/bash
# Runs as PID 1 of a host's new namespaces (mount, uts, ipc, cgroup, pid; the network namespace is
# entered already): puts the root file system together and becomes systemd.
#
# LAB_HOST        the host's folder: upper/, root/, docker/
# LAB_ADDRESS     its private address
# LAB_LOWER       overlay lower directories, topmost first
# LAB_REPO        package repository to be seen as /opt/lab-repo; LAB_REPO_BROKEN hides it
# LAB_CONSOLE     file that is the guest's console
# LAB_CGROUPS     "unified", or "folder:options ..." for each hierarchy of version 1
set -eu
root=$LAB_HOST/root

mount --make-rprivate /
# `volatile`: no sync on the way; the mark that it leaves in the work folder forbids a second mount.
rm -rf "$LAB_HOST/work"
mkdir -p "$LAB_HOST/work"
mount -t overlay overlay \
    -o "lowerdir=$LAB_LOWER,upperdir=$LAB_HOST/upper,workdir=$LAB_HOST/work,volatile,index=off" "$root"

name=ip-${LAB_ADDRESS//./-}
hostname "$name"
if [ ! -e "$LAB_HOST/seeded" ]; then
    echo "$name" >"$root/etc/hostname"
    printf '127.0.0.1 localhost\n%s %s\n' "$LAB_ADDRESS" "$name" >"$root/etc/hosts"
    # Every command that comes over SSH is written down before it runs, for tests to read.
    install -m 666 /dev/null "$root/var/log/lab-commands"
    install -m 755 /dev/stdin "$root/usr/local/sbin/lab-record" <<'RECORD'
#!/bin/bash
printf '%s\n' "${SSH_ORIGINAL_COMMAND-(a login)}" >>/var/log/lab-commands
[ -n "${SSH_ORIGINAL_COMMAND-}" ] || exec bash -l
exec bash -c "$SSH_ORIGINAL_COMMAND"
RECORD
    echo 'ForceCommand /usr/local/sbin/lab-record' >"$root/etc/ssh/sshd_config.d/record.conf"
    : >"$LAB_HOST/seeded"
fi

# Docker's overlay2 cannot sit on an overlay: its folder is a real one.
mkdir -p "$root/opt/lab-repo" "$root/var/lib/docker"
mount --bind "$LAB_HOST/docker" "$root/var/lib/docker"
mount --bind "$LAB_REPO" "$root/opt/lab-repo"
mount -o remount,bind,ro "$root/opt/lab-repo"
if [ -n "$LAB_REPO_BROKEN" ]; then
    mount -t tmpfs -o ro,size=4k broken "$root/opt/lab-repo"
fi

# /proc: only the network's parameters may be changed, and the machine's sysrq is out of reach.
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
if [ -e "$root/proc/sysrq-trigger" ]; then
    mount --bind /dev/null "$root/proc/sysrq-trigger"
fi
cat /proc/sys/kernel/random/uuid >"$LAB_HOST/boot_id"
mount --bind "$LAB_HOST/boot_id" "$root/proc/sys/kernel/random/boot_id"
mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"

mount -t tmpfs -o nosuid,mode=755,size=4m tmpfs "$root/dev"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
    IFS=: read -r file major minor <<<"$node"
    mknod -m 666 "$root/dev/$file" c "$major" "$minor"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/net"
mknod -m 666 "$root/dev/net/tun" c 10 200
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
: >"$root/dev/console"
mount --bind "$LAB_CONSOLE" "$root/dev/console"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o nosuid,nodev,size=256m tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
mount -t tmpfs -o nosuid,nodev,mode=755,size=256m tmpfs "$root/run"
mount -t tmpfs -o nosuid,nodev,mode=1777,size=512m tmpfs "$root/tmp"

if [ "$LAB_CGROUPS" = unified ]; then
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs -o nosuid,nodev,noexec,mode=755,size=1m tmpfs "$root/sys/fs/cgroup"
    for hierarchy in $LAB_CGROUPS; do
        folder=$root/sys/fs/cgroup/${hierarchy%%:*} options=${hierarchy#*:}
        mkdir "$folder"
        if [ "$options" = v2 ]; then
            mount -t cgroup2 cgroup2 "$folder"
        else
            mount -t cgroup -o "$options" cgroup "$folder"
        fi
    done
    mount -o remount,ro "$root/sys/fs/cgroup"
fi

cd "$root"
mkdir -p .machine
pivot_root . .machine
exec chroot . /bin/sh -c 'umount -l /.machine && rmdir /.machine && exec env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=lab TERM=linux \
    /lib/systemd/systemd' <dev/null >dev/console 2>&1
