"""Changes to moto, so that it answers as EC2 does where the tests depend on it.

- Instances pass through pending, stopping and shutting-down; they leave these states when the
  controller reports that the machine has booted, stopped or gone.
- A ClientToken makes RunInstances idempotent; other parameters with the same token are refused, and
  so is a token whose instances are terminated.
- An address in use is InvalidIPAddress.InUse; it is free again once its instance is terminated.
- A rule for a protocol without ports (ESP) is accepted.
- DeleteSecurityGroup refuses while an instance that is not terminated, or a rule, refers to it.
- Public addresses, where asked for, are of the documentation ranges: nobody's, and dialled in vain.
- The default VPC is the lab's network, and its subnets map no public addresses.
"""
import copy
import ipaddress
import itertools
import json

from moto.ec2 import models
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import (
    elastic_ip_addresses, elastic_network_interfaces, instances, security_groups, subnets,
)
from moto.ec2.models.vpcs import VPCBackend

from ..config import NETWORK, SUBNETS

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
# Transient state -> where it leads when the controller reports.
NEXT = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}

_Instance = instances.Instance
_original = {name: getattr(_Instance, name) for name in ("__init__", "start", "stop", "terminate", "reboot")}


def in_lab(instance):
    """True for an instance on the lab's network, which has a machine behind it."""
    return ipaddress.ip_address(instance.private_ip) in NETWORK


def enter(instance, state):
    """Put an instance into a state."""
    instance._state.name, instance._state.code = state, CODES[state]


def settle(instance, state, reason=""):
    """The controller reports: the machine is running, stopped or gone. Late reports are ignored."""
    if NEXT.get(instance.state) == state:
        if state == "running":
            _original["start"](instance)
        elif state == "stopped":
            _original["stop"](instance)
        else:
            _original["terminate"](instance)
    elif state == "terminated" and instance.state == "pending":  # it could not be booted
        _original["terminate"](instance)
        instance.state_reason = instances.StateReason(f"Server.InternalError: {reason}", "Server.InternalError")
    else:
        return False
    return True


def _init(self, *args, **kwargs):
    _original["__init__"](self, *args, **kwargs)
    self.lab_reboots = 0
    for nic in self.nics.values():
        nic.delete_on_termination = True  # the default of EC2 for a launch's own interface
    if in_lab(self):
        enter(self, "pending")


def _begin(verb, transient, done, refused):
    """A verb that starts a transition: nothing to do when there or on the way, refused from some states."""

    def method(self):
        if not in_lab(self):
            return _original[verb](self)
        previous = copy.copy(self._state)
        if self.state in refused:
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{self.id}' is not in a state from which it can be {done}.",
            )
        if self.state not in (transient, done):
            enter(self, transient)
        return previous

    return method


def _reboot(self):
    if self.state != "running":
        raise EC2ClientError("IncorrectInstanceState", f"The instance '{self.id}' is not running.")
    self.lab_reboots += 1


def _request_ip(self, ip, instance):
    if ipaddress.ip_address(ip) not in self.cidr:
        raise EC2ClientError("InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range")
    if ip in self._subnet_ips:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {ip} is in use.")
    if ipaddress.ip_address(ip) in self._reserved_ips:
        raise EC2ClientError("InvalidParameterValue", f"Address {ip} is in subnet's reserved address range")
    self._unused_ips.discard(ip)
    self._subnet_ips[ip] = instance


def _plain(value):
    """A comparable form of request parameters."""
    return json.dumps(value, sort_keys=True, default=str)


_run_instances = instances.InstanceBackend.run_instances


def _run_idempotently(self, image_id, count, user_data, security_group_names, **kwargs):
    token = kwargs.get("client_token")
    tokens = self.__dict__.setdefault("lab_tokens", {})
    if not token or token == "ABCDE":  # moto's word for none
        return _run_instances(self, image_id, count, user_data, security_group_names, **kwargs)
    asked = _plain([image_id, count, str(user_data), security_group_names, kwargs])
    if token in tokens:
        reservation, first = tokens[token]
        if first != asked:
            raise EC2ClientError(
                "IdempotentParameterMismatch",
                "The client token was used with other parameters; see the documentation of idempotency.",
            )
        if all(i.state in ("terminated", "shutting-down") for i in reservation.instances):
            raise EC2ClientError(
                "IdempotentInstanceTerminated", "The instances launched with this client token are terminated."
            )
        return reservation
    reservation = _run_instances(self, image_id, count, user_data, security_group_names, **kwargs)
    tokens[token] = (reservation, asked)
    return reservation


_delete_security_group = models.EC2Backend.delete_security_group


def _delete_group_if_unused(self, name=None, group_id=None):
    group = self.get_security_group_from_id(group_id) if group_id else self.get_security_group_by_name_or_id(name)
    if group is not None:
        message = f"resource {group.id} has a dependent object"
        for instance in self.all_instances():
            ids = {g.id for g in instance.security_groups}
            ids |= {g.id for nic in instance.nics.values() for g in nic.group_set}
            if instance.state != "terminated" and group.id in ids:
                raise DependencyViolationError(message)
        for groups in self.groups.values():
            for other in groups.values():
                for rule in list(other.ingress_rules) + list(other.egress_rules):
                    if other.id != group.id and rule.source_group.get("GroupId") == group.id:
                        raise DependencyViolationError(message)
    return _delete_security_group(self, name=name, group_id=group_id)


_rule_init = security_groups.SecurityGroupRule.__init__


def _init_rule(self, ec2_backend, ip_protocol, group_id, from_port, to_port, *args, **kwargs):
    portless = from_port is None and to_port is None  # as ESP is: moto would fail
    ports = (0, 0) if portless else (from_port, to_port)
    _rule_init(self, ec2_backend, ip_protocol, group_id, *ports, *args, **kwargs)
    if portless:
        self.from_port = self.to_port = None


_public = itertools.count()


def _documentation_address():
    """An address of TEST-NET-2 or TEST-NET-3: moto's own would be somebody's."""
    n = next(_public) % 508
    return f"{'203.0.113' if n < 254 else '198.51.100'}.{n % 254 + 1}"


def _create_default_vpc(self):
    if self.region_name != _region[0]:
        return _default_vpc(self)
    vpc = self.create_vpc(cidr_block=str(NETWORK), is_default=True)
    for suffix, block in SUBNETS:
        subnet = self.create_subnet(vpc.id, block, availability_zone=self.region_name + suffix)
        subnet.map_public_ip_on_launch = False
        subnet.default_for_az = True
    return vpc


_default_vpc = VPCBackend.create_default_vpc
_region = [None]


def apply(region):
    """Change moto; to be called before the first request."""
    _region[0] = region
    _Instance.__init__ = _init
    _Instance.start = _begin("start", "pending", "running", ("stopping", "shutting-down", "terminated"))
    _Instance.stop = _begin("stop", "stopping", "stopped", ("pending", "shutting-down", "terminated"))
    _Instance.terminate = _begin("terminate", "shutting-down", "terminated", ())
    _Instance.reboot = _reboot
    security_groups.SecurityGroupRule.__init__ = _init_rule
    elastic_network_interfaces.random_public_ip = _documentation_address
    elastic_ip_addresses.random_ip = _documentation_address
    subnets.Subnet.request_ip = _request_ip
    models.EC2Backend.run_instances = _run_idempotently
    models.EC2Backend.delete_security_group = _delete_group_if_unused
    models.EC2Backend.create_default_vpc = _create_default_vpc
