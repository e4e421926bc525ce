# Installs the Docker Engine, enables and starts it, and lets the login user use it. Run as root,
# from standard input; safe to run again at any time.
#
# Arguments: login user, version wanted or '', the engine's socket, seconds to wait for others, the
# texts of daemon.json and of what of it is Subako's ('' leaves both alone), and under test the
# directory that stands for the root.
# Exit status: 0 done; 10 no way is known for this distribution; 11 the version cannot be had.
# Lines that begin with "subako: " are notes on progress.

say() { echo "subako: $*"; }

fail() {
    status=$1
    shift
    echo "$*" >&2
    exit "$status"
}

# The package manager of a machine that has just booted may be busy, and its sources not yet set.
wait_for_cloud_init() {
    [ -d "$root/run/cloud-init" ] && [ ! -e "$root/run/cloud-init/disabled" ] || return 0
    waited=0
    until [ -e "$root/run/cloud-init/result.json" ] || [ -e "$root/var/lib/cloud/instance/boot-finished" ]; do
        [ "$waited" -gt 0 ] || say "waiting for cloud-init"
        if [ "$waited" -ge "$patience" ]; then
            echo "cloud-init is still running after $patience s; going on" >&2
            return 0
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

# An installation whose caller was killed goes on here: it is waited for, because two at once end
# with one of them told that the package is installed already. What it starts holds the lock too.
wait_for_others() {
    command -v flock >/dev/null 2>&1 && [ -d "$root/run" ] || return 0
    exec 9>"$root/run/subako-install.lock"
    flock -n 9 && return 0
    say "waiting for another installation of the Docker Engine"
    flock -w "$patience" 9 || echo "another installation is still running after $patience s; going on" >&2
}

has_engine() {
    command -v dockerd >/dev/null 2>&1 || return 1
    # shellcheck disable=SC2086
    [ -z "$version" ] || { installed $packages && wanted "$found"; }
}

apt() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a LC_ALL=C \
        apt-get -q -y -o DPkg::Lock::Timeout="$patience" -o Dpkg::Use-Pty=0 "$@"
}

# Runs a command again for as long as somebody else has a lock that it needs: apt waits for dpkg's
# by itself, and not for that of the package lists; dpkg waits for none. On a machine that has just
# booted unattended-upgrades has them.
when_unlocked() {
    waited=0
    until answer=$("$@" 2>&1); do
        case $answer in
            *"Could not get lock"* | *"locked by another process"*) ;;
            *) echo "$answer" >&2; return 1 ;;
        esac
        [ "$waited" -lt "$patience" ] || { echo "$answer" >&2; return 1; }
        [ "$waited" -gt 0 ] || say "waiting for another installation of packages"
        sleep 2
        waited=$((waited + 2))
    done
}

# The first of the named packages that is installed, and its version.
installed() {
    for name in "$@"; do
        if [ "$distribution" = debian ]; then
            found=$(dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$name" 2>/dev/null) || continue
            case $found in ii*) ;; *) continue ;; esac
            found=${found#ii?}
        else
            found=$(rpm -q --qf '%{VERSION}-%{RELEASE}' "$name" 2>/dev/null) || continue
        fi
        package=$name
        return 0
    done
    found=
    return 1
}

# Whether a package's version is the one wanted, with or without epoch and release.
wanted() {
    [ -n "$version" ] || return 0
    case $1 in
        "$version" | "$version"[-+~.]* | *:"$version" | *:"$version"[-+~.]*) return 0 ;;
    esac
    return 1
}

install_apt() {
    package=docker.io
    # A run that was cut off leaves dpkg asking for this.
    when_unlocked dpkg --configure -a || return 1
    say "reading the package lists"
    when_unlocked apt update || return 1
    if [ -z "$version" ]; then
        say "installing $package"
        apt install "$package"
        return
    fi
    say "installing $package $version"
    for match in "$version" "$version*"; do
        apt install --allow-downgrades "$package=$match" && return 0
    done
    return 11
}

# $1: dnf or yum. Both wait for their own lock.
install_rpm() {
    if [ -z "$version" ]; then
        say "installing $package"
        "$1" -y install "$package"
        return
    fi
    say "installing $package $version"
    "$1" -y install "$package-$version" || "$1" -y install "$package-$version*" || return 11
}

install_engine() {
    case $distribution in
        amzn)
            package=docker
            if command -v dnf >/dev/null 2>&1; then
                install_rpm dnf
            else
                amazon-linux-extras enable docker >/dev/null || return 1
                install_rpm yum
            fi
            ;;
        debian) install_apt ;;
        rhel)
            command -v dnf >/dev/null 2>&1 || fail 10 "$PRETTY_NAME has no dnf"
            for package in docker-ce moby-engine none; do
                dnf -q info "$package" >/dev/null 2>&1 && break
            done
            [ "$package" != none ] ||
                fail 10 "$PRETTY_NAME: its repositories have neither docker-ce nor moby-engine"
            install_rpm dnf
            ;;
        *) fail 10 "$PRETTY_NAME: an unknown distribution" ;;
    esac
}

detect() {
    PRETTY_NAME="this system"
    ID=
    ID_LIKE=
    # shellcheck disable=SC1091
    [ ! -r "$root/etc/os-release" ] || . "$root/etc/os-release"
    # Amazon Linux says that it is like Fedora: its own name comes first.
    distribution=unknown
    for word in $ID $ID_LIKE; do
        case $word in
            amzn) distribution=amzn ;;
            debian | ubuntu) distribution=debian ;;
            rhel | centos | rocky | almalinux | ol | fedora) distribution=rhel ;;
            *) continue ;;
        esac
        break
    done
}

# Writes a file whole or not at all.
write_file() {
    printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"
}

# What the engine is told is there before it starts. One that runs is restarted for it, also when the
# run that wrote it was cut off before.
tell_engine() {
    [ -n "$daemon" ] || return 0
    file=$root/etc/docker/daemon.json
    [ "$(cat "$file" 2>/dev/null)" = "$daemon" ] || {
        say "writing daemon.json"
        mkdir -p "$root/etc/docker" "$root/run" || return 1
        ! systemctl is-active --quiet docker || : >"$root/run/subako-restart" || return 1
        write_file "$file" "$daemon" || return 1
    }
    write_file "$root/etc/docker/daemon.subako.json" "$own"
}

restart_engine() {
    [ -e "$root/run/subako-restart" ] || return 0
    say "restarting the Docker Engine"
    systemctl reset-failed docker 2>/dev/null
    if ! systemctl restart docker; then
        journalctl -u docker -n 20 --no-pager -o cat 2>/dev/null
        return 1
    fi
    rm -f "$root/run/subako-restart"
}

enable_engine() {
    command -v systemctl >/dev/null 2>&1 || fail 1 "there is no systemd to start the Docker Engine with"
    say "starting the Docker Engine"
    if ! systemctl enable --now docker; then
        journalctl -u docker -n 20 --no-pager -o cat 2>/dev/null
        return 1
    fi
    waited=0
    until [ -S "$root$socket" ]; do
        if [ "$waited" -ge 30 ]; then
            journalctl -u docker -n 20 --no-pager -o cat 2>/dev/null
            echo "the Docker Engine was started and has no socket $socket" >&2
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

admit_user() {
    [ "$user" != root ] || return 0
    if ! getent group docker >/dev/null; then
        groupadd --system docker || return 1
        # The socket was given to root's group for want of this one.
        systemctl restart docker || return 1
    fi
    case " $(id -nG "$user") " in
        *" docker "*) ;;
        *) usermod -aG docker "$user" || return 1 ;;
    esac
}

main() {
    user=$1 version=$2 socket=$3 patience=$4 daemon=$5 own=$6 root=${7-}
    # A login without a terminal may not have the directories of an administrator.
    [ -n "$root" ] || export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
    detect
    packages="docker-ce moby-engine docker.io docker"
    wait_for_others
    tell_engine || fail 1 "daemon.json could not be written"
    if ! has_engine; then
        wait_for_cloud_init
        install_engine || exit $?
        command -v dockerd >/dev/null 2>&1 || fail 1 "$package was installed and has no dockerd"
        if installed "$package" && ! wanted "$found"; then
            fail 11 "$package $found is installed, and $version is wanted"
        fi
    fi
    restart_engine || exit $?
    enable_engine || exit $?
    admit_user || exit $?
}

# The whole script is read before anything runs: what runs must not read on from it.
main "$@" </dev/null
