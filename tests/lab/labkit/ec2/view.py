"""What the controller reads from the endpoint, and what it reports to it.

GET  /lab/view?since=N   everything about instances and groups; answers when the revision is past N,
                         or after two seconds
POST /lab/settle         {"instance", "state", "reason"}: a transition is complete
POST /lab/act            {"instance", "verb"}: start or stop, as by the API
"""
import base64
import json
import threading
import traceback

from moto.ec2.models import ec2_backends

from ..config import ACCOUNT
from . import patches
from .amis import FLAVOUR


class View:
    """The lab's own requests, and the lock under which everything that changes EC2 runs."""

    def __init__(self, region):
        self.region = region
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self.revision = 1

    @property
    def backend(self):
        return ec2_backends[ACCOUNT][self.region]

    def touch(self):
        """Something changed: wake whoever waits for a new view."""
        with self._changed:
            self.revision += 1
            self._changed.notify_all()

    def snapshot(self, since):
        """Wait for a newer revision (or two seconds), then everything the controller needs."""
        with self._changed:
            self._changed.wait_for(lambda: self.revision > since, timeout=2)
            backend = self.backend
            return {
                "revision": self.revision,
                "instances": [self._instance(i) for i in backend.all_instances() if patches.in_lab(i)],
                "groups": {
                    group.id: [self._rule(rule) for rule in group.ingress_rules]
                    for groups in backend.groups.values() for group in groups.values()
                },
            }

    def _instance(self, instance):
        key = self.backend.key_pairs.get(instance.key_name)
        data = instance.user_data
        options = instance.metadata_options
        groups = {g.id for g in instance.security_groups}
        groups |= {g.id for nic in instance.nics.values() for g in nic.group_set}
        return {
            "instance": instance.id, "state": instance.state, "address": instance.private_ip,
            "name": {t["key"]: t["value"] for t in instance.get_tags()}.get("Name", ""),
            "ami": instance.image_id, "flavour": FLAVOUR.get(instance.image_id),
            "type": instance.instance_type, "zone": instance.availability_zone,
            "hostname": instance.private_dns_name, "public_ip": instance.public_ip,
            "groups": sorted(groups), "reboots": instance.lab_reboots,
            "key_name": instance.key_name, "public_key": key.public_key.strip() if key else "",
            "user_data": _text(data), "tokens_required": options.http_tokens == "required",
            "metadata_enabled": options.http_endpoint != "disabled",
        }

    def _rule(self, rule):
        return {
            "protocol": str(rule.ip_protocol), "from": rule.from_port, "to": rule.to_port,
            "range": rule.cidr_ipv4, "group": rule.source_group.get("GroupId"),
        }

    def settle(self, request):
        """A transition is complete."""
        with self.lock:
            changed = patches.settle(
                self.backend.get_instance(request["instance"]), request["state"], request.get("reason", "")
            )
        if changed:
            self.touch()
        return {"changed": changed}

    def act(self, request):
        """Start or stop an instance as its owner would."""
        verb = {"start": self.backend.start_instances, "stop": self.backend.stop_instances}[request["verb"]]
        with self.lock:
            verb([request["instance"]])
        self.touch()
        return {}

    def handle(self, environ, body):
        """One of the lab's own requests: (status, JSON bytes)."""
        path = environ["PATH_INFO"]
        try:
            if path == "/lab/view":
                answer = self.snapshot(int(environ.get("QUERY_STRING", "").partition("since=")[2] or 0))
            elif path == "/lab/network":
                answer = self.network()
            else:
                answer = {"/lab/settle": self.settle, "/lab/act": self.act}[path](json.loads(body))
            return "200 OK", json.dumps(answer).encode()
        except Exception as error:  # answered, so that the caller reports it
            traceback.print_exc()
            return "400 Bad Request", json.dumps({"error": f"{type(error).__name__}: {error}"}).encode()

    def network(self):
        """The default VPC and its subnets."""
        vpc = self.backend.get_default_vpc()
        found = self.backend.describe_subnets(filters={"vpc-id": [vpc.id]})
        return {"vpc_id": vpc.id, "subnet_ids": [s.id for s in sorted(found, key=lambda s: s.availability_zone)]}


def _text(data):
    """User data as text; the API carries it in base64."""
    if not data:
        return None
    data = str(data)
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return data
