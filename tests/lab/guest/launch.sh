#!/bin/sh
# launch.sh "PROCS..." NETNS COMMAND... : enter the control groups given by their cgroup.procs
# files, then the network namespace (a path; empty: stay), then become COMMAND.
set -eu
procs=$1 netns=$2
shift 2
for file in $procs; do
    echo $$ >"$file"
done
if [ -n "$netns" ]; then
    exec nsenter --net="$netns" -- "$@"
fi
exec "$@"
