"""What the self-test does to a lab, as a user would: the EC2 API by boto3, hosts by ssh."""
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3

from .errors import LabError
from .system import wait_until

ANYWHERE = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def permission(protocol, port, source, last=None):
    """One rule as the API wants it."""
    return {"IpProtocol": protocol, "FromPort": port, "ToPort": last or port, **source}


class Client:
    """A lab's user."""

    def __init__(self, description):
        self.lab = description
        self.ec2 = boto3.client(
            "ec2", endpoint_url=description["endpoint"], region_name=description["region"],
            aws_access_key_id="lab", aws_secret_access_key="lab",
        )

    def prepare(self):
        """Key pair and security group; the group's id."""
        with open(self.lab["keys"]["ed25519"]["public"], "rb") as key:
            self.ec2.import_key_pair(KeyName="check", PublicKeyMaterial=key.read())
        group = self.ec2.create_security_group(
            GroupName="check", Description="self-test", VpcId=self.lab["vpc_id"])["GroupId"]
        self.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[permission("tcp", 22, ANYWHERE), permission("tcp", 80, ANYWHERE)])
        return group

    def launch(self, ami, group, address, name, token=None):
        """Run one instance; its id."""
        extra = {"ClientToken": token} if token else {}
        made = self.ec2.run_instances(
            ImageId=self.lab["amis"][ami], MinCount=1, MaxCount=1, InstanceType="t3.micro", KeyName="check",
            SubnetId=self.lab["subnet_ids"][0], SecurityGroupIds=[group], PrivateIpAddress=address,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}], **extra,
        )
        return made["Instances"][0]["InstanceId"]

    def state(self, instance):
        """An instance's state."""
        found = self.ec2.describe_instances(InstanceIds=[instance])
        return found["Reservations"][0]["Instances"][0]["State"]["Name"]

    def terminate(self, instances):
        """Terminate and wait."""
        self.ec2.terminate_instances(InstanceIds=instances)
        for instance in instances:
            wait_until(lambda: self.state(instance) == "terminated", 60, f"{instance}: terminated")

    def ssh(self, address, command, timeout=120):
        """Run a command on a host; the finished process."""
        argv = ["ssh", "-i", self.lab["keys"]["ed25519"]["private"], "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=3",
                "-o", "ServerAliveInterval=2", "-o", "BatchMode=yes", f"ec2-user@{address}", command]
        try:
            return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(argv, 255, "", f"no end after {timeout} s")

    def on(self, address, command, timeout=120):
        """Run a command on a host that has to succeed; its output."""
        done = self.ssh(address, command, timeout)
        if done.returncode:
            raise LabError(f"{address}: `{command}` ended with {done.returncode}: {done.stderr}{done.stdout}"[-2000:])
        return done.stdout.strip()

    def await_ssh(self, address, seconds=60):
        """Wait for a login."""
        wait_until(lambda: self.ssh(address, "true", 5).returncode == 0, seconds, f"{address}: ssh", pause=0.1)


def fetch(address, port=80, timeout=3):
    """GET / ; the text, or None if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=timeout) as answer:
            return answer.read().decode().strip()
    except (urllib.error.URLError, OSError):
        return None


def together(function, items):
    """Apply a function to all items at the same time; the results."""
    with ThreadPoolExecutor(max(1, len(items))) as pool:
        return list(pool.map(function, items))


class Load:
    """Requests without a pause, as long as the block lasts; failures are counted."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.answers, self.failures = [], 0
        self._stop = False
        self._pool = ThreadPoolExecutor(1)

    def _run(self):
        turn = 0
        while not self._stop:
            text = fetch(self.addresses[turn % len(self.addresses)])
            turn += 1
            if text is None:
                self.failures += 1
            else:
                self.answers.append(text)
            time.sleep(0.02)  # a rate, not a wait

    def __enter__(self):
        self._done = self._pool.submit(self._run)
        return self

    def __exit__(self, *_):
        self._stop = True
        self._done.result(30)
        self._pool.shutdown()
