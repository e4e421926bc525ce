"""The command line of the lab.

Exit codes: 0 done; 1 failed, or something was left over; 2 wrong usage; 77 this machine cannot run
the lab. Results go to standard output, everything else to standard error.
"""
import argparse
import json
import os
import subprocess
import sys

from . import control, down, registry, up
from .config import HERE, Paths
from .errors import SKIP, LabError, Unsupported
from .host import enter_argv
from .setup import Setup
from .system import require_machine, say


def parser():
    """The grammar."""
    top = argparse.ArgumentParser(prog="lab", description="An EC2 look-alike on one Linux machine.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(parent, name, text, function):
        made = parent.add_parser(name, help=text, description=text)
        made.set_defaults(function=function)
        return made

    command(commands, "setup", "prepare everything that a lab needs (idempotent)", do_setup)
    it = command(commands, "up", "start a lab and describe it", do_up)
    it.add_argument("--json", action="store_true", help="print the description as JSON")
    it.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="wait for another lab to go down")
    it = command(commands, "describe", "print the JSON description of the lab that is up", do_describe)
    it = command(commands, "down", "take the lab down and count what is left", do_down)
    it.add_argument("--force", action="store_true", help="also a live lab of another folder")
    it = command(commands, "status", "hosts, pending faults and errors, as JSON", do_status)
    it = command(commands, "check", "self-test of the lab, from setup to teardown", do_check)
    it.add_argument("--hosts", type=int, default=3, choices=range(2, 41), metavar="N",
                    help="size of the swarm (default 3)")
    it.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="wait for another lab to go down")

    hosts = commands.add_parser("host", help="power and faults of a host").add_subparsers(
        dest="verb", required=True, metavar="VERB")
    it = command(hosts, "list", "all hosts", do_list)
    it.add_argument("--json", action="store_true")
    which = "instance id, private address or Name tag"
    for name, text in (
        ("stop", "power off, through the EC2 API"), ("kill", "crash: everything in it dies at once"),
        ("start", "boot again after stop or kill"), ("break-repo", "break its package repository"),
        ("repair-repo", "repair its package repository"),
    ):
        command(hosts, name, text, do_host).add_argument("host", help=which)
    it = command(hosts, "exec", "run a program inside a host as root", do_exec)
    it.add_argument("host", help=which)
    it.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND ...")

    faults = commands.add_parser("fault", help="faults of hosts that are not there yet").add_subparsers(
        dest="kind", required=True, metavar="KIND")
    it = command(faults, "repo", "a host boots with a broken package repository", do_fault)
    pick = it.add_mutually_exclusive_group(required=True)
    pick.add_argument("--nth", type=int, help="the N-th host that boots for the first time, from now on")
    pick.add_argument("--name", help="the host with this Name tag")
    command(faults, "clear", "forget faults that have not happened", do_fault)

    images = commands.add_parser("image", help="the registry").add_subparsers(
        dest="verb", required=True, metavar="VERB")
    it = command(images, "retag", "make a tag point to another one's image", do_retag)
    for name in ("repository", "source", "target"):
        it.add_argument(name)
    return top


def main(argv):
    """Run one command; the exit code."""
    options = parser().parse_args(argv)
    try:
        require_machine()
        return options.function(options, Paths()) or 0
    except Unsupported as error:
        say(f"lab: skipped: {error}")
        return SKIP
    except LabError as error:
        say(f"lab: {error}")
        return 1


def show(value):
    """JSON to standard output."""
    print(json.dumps(value, indent=2))


def do_setup(_, paths):
    Setup(paths).run()


def do_up(options, paths):
    description = up.up(paths, options.wait)
    if options.json:
        show(description)
    else:
        print(f"endpoint  {description['endpoint']}  ({description['region']})")
        print(f"vpc       {description['vpc_id']}  subnets {' '.join(description['subnet_ids'])}")
        for name, ami in description["amis"].items():
            print(f"ami       {ami}  {name}")
        print(f"logs      {description['logs']}")


def do_describe(_, paths):
    show(up.current(paths))


def do_down(options, paths):
    return 0 if down.report(down.down(paths, options.force)) else 1


def do_status(_, paths):
    show(control.ask(paths, "status"))


def do_list(options, paths):
    rows = control.ask(paths, "list")
    if options.json:
        return show(rows)
    for row in rows:
        print(f"{row['instance']}  {row['address']:<12}  {row['phase']:<8}  {row['ec2_state']:<13}  "
              f"{row['flavour']:<7}  {row['name']}")
    return None


def do_host(options, paths):
    show(control.ask(paths, options.verb, which=options.host))


def do_exec(options, paths):
    rows = [r for r in control.ask(paths, "list") if options.host in (r["instance"], r["address"], r["name"])]
    if len(rows) != 1 or not rows[0]["pid1"]:
        raise LabError(f"{options.host}: no such host, or it is off")
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    return subprocess.run(enter_argv(rows[0]["pid1"]) + (argv or ["bash", "-l"])).returncode


def do_fault(options, paths):
    if options.kind == "clear":
        return show(control.ask(paths, "clear-faults"))
    chosen = {"nth": options.nth} if options.nth is not None else {"name": options.name}
    return show(control.ask(paths, "fault", **chosen))


def do_retag(options, paths):
    up.current(paths)  # there has to be a lab
    print(registry.public(paths).retag(options.repository, options.source, options.target))


def do_check(options, paths):
    """The self-test needs boto3, which is in the lab's own environment."""
    Setup(paths).run()
    environment = dict(os.environ, PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1", SUBAKO_LAB_DIR=str(paths.root))
    argv = [str(paths.python), "-m", "labkit.check", str(options.hosts), str(options.wait)]
    return subprocess.run(argv, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
