"""`lab check`: the lab tested from `up` to `down`, through its public face only.

Usage: python -m labkit.check HOSTS SECONDS_TO_WAIT_FOR_ANOTHER_LAB
"""
import json
import os
import signal
import subprocess
import sys
import time
import traceback

from botocore.exceptions import ClientError

from . import down, up
from .client import ANYWHERE, Client, Load, fetch, permission, together
from .config import HERE, Paths
from .errors import LabError
from .system import say, wait_until

INSTALL = {
    "amazon": "sudo dnf install -y docker && sudo systemctl enable --now docker",
    "debian": "sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io",
}


def expect(condition, what):
    """Fail unless."""
    if not condition:
        raise LabError(what)


def refused(code, call, **arguments):
    """The call has to fail with an error code of EC2's."""
    try:
        call(**arguments)
    except ClientError as error:
        expect(error.response["Error"]["Code"] == code, f"{error} instead of {code}")
        return
    raise LabError(f"{code} expected, but the call succeeded")


class Check:
    """One run."""

    def __init__(self, count, wait=0):
        self.paths = Paths()
        self.wait = wait
        self.addresses = [f"10.88.0.{10 + n}" for n in range(count)]
        self.flavours = {a: "amazon" for a in self.addresses}
        self.flavours[self.addresses[-1]] = "debian"
        self.instances = {}
        self.times = []

    def lab(self, *argv):
        """One of the lab's own commands; its output."""
        done = subprocess.run([str(HERE / "lab"), *argv], capture_output=True, text=True, timeout=200, check=False)
        expect(done.returncode == 0, f"lab {' '.join(argv)}: {done.returncode}: {done.stderr}")
        return done.stdout

    def step(self, function):
        """Run and time one step."""
        began = time.monotonic()
        note = function()
        took = time.monotonic() - began
        name = function.__name__.replace("_", " ")
        self.times.append((name, took))
        say(f"check: {name}: {took:.1f} s{'; ' + note if note else ''}")

    def run(self):
        """All steps; True if all is well. A lab that came up is taken down in any case."""
        self.step(self.lab_up)
        try:
            self.client = Client(up.current(self.paths))
            self.ec2 = self.client.ec2
            self.group = self.client.prepare()
            for function in (
                self.endpoint, self.hosts_boot, self.isolation, self.docker_installs, self.port_2377_closed,
                self.swarm_forms, self.service_answers, self.rolling_update, self.registries, self.host_stops,
                self.host_crashes, self.broken_repository, self.reboot, self.terminate, self.crash_and_up,
            ):
                self.step(function)
            errors = json.loads(self.lab("status"))["errors"]
            expect(not errors, f"the controller reports {errors}")
            good = True
        except Exception:
            traceback.print_exc()
            good = False
        self.step(self.lab_down)
        left = down.leftovers(self.paths)
        good = down.report(left) and good
        down.down(self.paths)  # twice does no harm
        say(f"check: {'passed' if good else 'FAILED'} in {sum(t for _, t in self.times):.0f} s")
        return good

    # -- steps -----------------------------------------------------------------------------------

    def lab_up(self):
        up.up(self.paths, self.wait)

    def endpoint(self):
        lab = self.client.lab
        images = self.ec2.describe_images(
            Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}])["Images"]
        newest = max(images, key=lambda i: i["CreationDate"])["ImageId"]
        expect(newest == lab["amis"]["amazon"], f"{newest} is the newest Amazon Linux")
        vpcs = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        expect([v["VpcId"] for v in vpcs] == [lab["vpc_id"]], f"default VPC: {vpcs}")

    def hosts_boot(self):
        first = self.addresses[0]
        self.instances[first] = self.client.launch("amazon", self.group, first, "host-0", token="once")
        again = self.client.launch("amazon", self.group, first, "host-0", token="once")
        expect(again == self.instances[first], "the same token gave another instance")
        expect(self.client.state(again) in ("pending", "running"), "state after launch")
        refused("IdempotentParameterMismatch", self.client.launch, ami="debian", group=self.group, address=first,
                name="x", token="once")
        refused("InvalidIPAddress.InUse", self.client.launch, ami="amazon", group=self.group, address=first, name="x")
        refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.group)
        for n, address in enumerate(self.addresses[1:], 1):
            flavour = self.flavours[address]
            self.instances[address] = self.client.launch(flavour, self.group, address, f"host-{n}")
        together(self.client.await_ssh, self.addresses)
        for address in self.addresses:
            expect(self.client.state(self.instances[address]) == "running", f"{address} runs")
        described = self.ec2.describe_instances()["Reservations"]
        public = [i.get("PublicIpAddress") for r in described for i in r["Instances"]]
        expect(not any(public), f"moto invented public addresses: {public}")

    def isolation(self):
        """Hosts reach neither the machine nor the world; metadata wants a token where told so."""
        first = self.addresses[0]
        for target in ("10.88.0.3/22", "192.0.2.1/80", "10.88.0.1/22"):
            probe = self.client.ssh(first, f"timeout 2 bash -c '</dev/tcp/{target}'")
            expect(probe.returncode == 124, f"{target} is not silent: {probe.stderr}")
        self.ec2.modify_instance_metadata_options(InstanceId=self.instances[first], HttpTokens="required")
        ask = "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id"
        wait_until(lambda: self.client.on(first, ask) == "401", 10, "metadata without a token is refused")

    def docker_installs(self):
        def install(address):
            self.client.on(address, INSTALL[self.flavours[address]], 180)
            wait_until(lambda: self.client.ssh(address, "sudo docker version").returncode == 0, 60, f"{address}: docker")

        together(install, self.addresses)
        return self.client.on(self.addresses[0], "sudo docker version -f '{{.Server.Version}} API {{.Server.APIVersion}}'")

    def port_2377_closed(self):
        me = {"UserIdGroupPairs": [{"GroupId": self.group}]}
        self.rules = [permission("tcp", 2377, me), permission("tcp", 7946, me), permission("udp", 7946, me),
                      permission("udp", 4789, me)]
        first, second = self.addresses[:2]
        self.client.on(first, f"sudo docker swarm init --advertise-addr {first} --default-addr-pool 10.100.0.0/16")
        self.token = self.client.on(first, "sudo docker swarm join-token -q worker")
        probe = f"timeout 2 bash -c '</dev/tcp/{first}/2377'"
        expect(self.client.ssh(second, probe).returncode == 124, "2377 should be silent without a rule")
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=self.rules)
        wait_until(lambda: self.client.ssh(second, probe).returncode == 0, 10, "2377 opens with the rule")
        self.ec2.revoke_security_group_ingress(GroupId=self.group, IpPermissions=self.rules[:1])
        wait_until(lambda: self.client.ssh(second, probe).returncode == 124, 10, "2377 closes without the rule")
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=self.rules[:1])

    def swarm_forms(self):
        first = self.addresses[0]
        together(lambda a: self.client.on(a, f"sudo docker swarm join --token {self.token} {first}:2377"),
                 self.addresses[1:])
        wait_until(lambda: self.nodes().count("Ready") == len(self.addresses), 30, "all nodes are ready")

    def nodes(self):
        return self.client.on(self.addresses[0], "sudo docker node ls -f role=worker -f role=manager "
                              "--format '{{.Status}}'").split()

    def service_answers(self):
        first = self.addresses[0]
        self.client.on(first, "sudo docker network create -d overlay my-overlay >/dev/null;"
                       " sudo docker service create -q --name reply --network my-overlay --replicas 4 -p 80:80"
                       " --update-order start-first mingsiro71/replyhost &&"
                       " sudo docker service create -q -d --name other --network my-overlay alpine"
                       " sh -c 'trap exit TERM; sleep 100000 & wait'")
        for address in self.addresses:
            seen = set()

            def all_four():
                seen.add(fetch(address))
                return len(seen - {None}) == 4

            wait_until(all_four, 60, f"{address} reaches all four tasks")
            expect(all(text is None or text.startswith("I am ") for text in seen), f"answers {seen}")
        where = wait_until(lambda: self.client.on(
            first, "sudo docker service ps other -f desired-state=running --format '{{.Node}} {{.CurrentState}}'"
            " | sed -n 's/ Running.*//p'"), 30, "the other service runs")
        node = where.removeprefix("ip-").replace("-", ".")
        names = self.client.on(node, "sudo docker exec $(sudo docker ps -q -f name=other) sh -c"
                               " 'for i in 1 2 3 4 5 6 7 8; do wget -qO- http://reply; done; ping -c1 -w3 tasks.reply'")
        answers = {line for line in names.splitlines() if line.startswith("I am ")}
        expect(len(answers) == 4, f"by name and virtual address: {names}")
        return f"{len(self.addresses)} hosts x 4 tasks, and by name over the overlay"

    def rolling_update(self):
        with Load(self.addresses) as load:
            self.client.on(self.addresses[0], "sudo docker service update -q --image mingsiro71/replyhost:v2 reply", 120)
            wait_until(lambda: (fetch(self.addresses[-1]) or "").startswith("I am v2 "), 30, "the new version answers")
        expect(load.failures == 0, f"{load.failures} of {len(load.answers)} requests failed during the update")
        return f"{len(load.answers)} requests, {load.failures} failed"

    def registries(self):
        first, lab = self.addresses[0], self.client.lab["private_registry"]
        missing = self.client.ssh(first, "sudo docker pull nobody/nothing")
        expect(missing.returncode and "not found" in missing.stderr, f"a missing image: {missing.stderr}")
        pull = f"sudo docker pull -q {lab['image']}"
        expect(self.client.ssh(first, pull).returncode, "the private registry asks for no login")
        self.client.on(first, f"echo {lab['password']} | sudo docker login -u {lab['user']} --password-stdin {lab['name']}"
                       f" && {pull}")
        crash = self.client.ssh(first, "sudo docker run --rm crash")
        expect(crash.returncode == 1 and "crash:" in crash.stderr, f"crash: {crash.stderr}")
        self.client.on(first, "sudo docker run -d --name sick unhealthy")
        sick = "sudo docker inspect -f '{{.State.Health.Status}}' sick"
        wait_until(lambda: self.client.on(first, sick) == "unhealthy", 20, "a failing health check")

    def host_stops(self):
        address = self.addresses[1]
        self.lab("host", "stop", address)
        expect(self.client.state(self.instances[address]) == "stopped", "stopped")
        expect(fetch(address, timeout=1) is None, "a host that is off answers")
        wait_until(lambda: "Down" in self.nodes(), 40, "the swarm sees it down", pause=0.5)
        self.lab("host", "start", address)
        self.client.await_ssh(address)
        wait_until(lambda: self.nodes().count("Ready") == len(self.addresses), 40, "it is back", pause=0.5)

    def host_crashes(self):
        address = self.addresses[1]
        self.lab("host", "kill", self.instances[address])
        began = time.monotonic()
        expect(self.client.state(self.instances[address]) == "running", "EC2 does not see a crash")
        wait_until(lambda: "Down" in self.nodes(), 40, "the swarm sees it down", pause=0.2)
        took = time.monotonic() - began
        self.lab("host", "start", "host-1")
        self.client.await_ssh(address)
        wait_until(lambda: self.nodes().count("Ready") == len(self.addresses), 40, "it is back", pause=0.5)
        wait_until(lambda: fetch(address), 40, "its port 80 answers again", pause=0.2)
        return f"down after {took:.1f} s"

    def broken_repository(self):
        self.lab("fault", "repo", "--nth", "2")
        addresses = {"10.88.0.60": "amazon", "10.88.0.61": "debian"}
        for address, flavour in addresses.items():
            if flavour == "debian":
                wait_until(lambda: self.client.ssh("10.88.0.60", "true", 5).returncode == 0, 60, "the first")
            self.instances[address] = self.client.launch(flavour, self.group, address, f"extra-{flavour}")
            self.client.await_ssh(address)
        self.lab("host", "break-repo", "10.88.0.60")
        for address, flavour in addresses.items():
            failed = self.client.ssh(address, INSTALL[flavour])
            text = failed.stderr + failed.stdout
            expect(failed.returncode and "lab-repo" in text, f"{flavour}, broken: {text}")
            self.lab("host", "repair-repo", address)
            probe = {"amazon": "dnf info -q docker", "debian": "sudo apt-get update && apt-cache show docker.io"}
            self.client.on(address, probe[flavour])

    def reboot(self):
        address = "10.88.0.60"
        before = self.client.on(address, "cat /proc/sys/kernel/random/boot_id")
        self.client.on(address, "touch /home/ec2-user/kept")
        self.ec2.reboot_instances(InstanceIds=[self.instances[address]])

        def again():
            done = self.client.ssh(address, "cat /proc/sys/kernel/random/boot_id && ls /home/ec2-user/kept", 5)
            return done.returncode == 0 and before not in done.stdout

        wait_until(again, 60, "the host reboots and keeps its disk")
        self.client.ssh(address, "sudo poweroff", 5)
        wait_until(lambda: self.client.state(self.instances[address]) == "stopped", 30, "poweroff stops the instance")

    def terminate(self):
        self.client.terminate(list(self.instances.values()))
        self.ec2.delete_security_group(GroupId=self.group)
        expect(json.loads(self.lab("host", "list", "--json")) == [], "hosts are left")
        refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=[self.group])

    def crash_and_up(self):
        """A lab whose controller is killed with a host running; the next `up` cleans up first."""
        group = self.client.ec2.create_security_group(
            GroupName="again", Description="again", VpcId=self.client.lab["vpc_id"])["GroupId"]
        self.client.launch("amazon", group, self.addresses[0], "left")
        wait_until(lambda: json.loads(self.lab("host", "list", "--json"))[0]["pid1"], 30, "the host")
        other = dict(os.environ, SUBAKO_LAB_DIR=str(self.paths.root / "other"))
        second = subprocess.run([str(HERE / "lab"), "down"], env=other, capture_output=True, text=True, timeout=60,
                                check=False)
        expect(second.returncode == 1 and "belongs to" in second.stderr, f"somebody else's lab: {second.stderr}")
        os.kill(self.client.lab["pids"]["controller"], signal.SIGKILL)
        self.lab("up")

    def lab_down(self):
        down.down(self.paths)


if __name__ == "__main__":
    try:
        sys.exit(0 if Check(int(sys.argv[1]), float(sys.argv[2])).run() else 1)
    except LabError as problem:  # no lab came up
        say(f"check: {problem}")
        sys.exit(1)
