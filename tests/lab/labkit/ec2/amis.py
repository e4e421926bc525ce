"""The machine images on offer, named like the real ones, and what each of them boots."""
import json

AMAZON, DEBIAN = "137112412989", "136693071363"  # the real owners' account numbers

# (id, name, owner, architecture, description, flavour, creation date); two releases of each,
# so that tests can change one; arm64 exists to be filtered out and boots nothing.
IMAGES = [
    ("ami-0a1b000000000001a", "al2023-ami-2023.6.20250107.0-kernel-6.1-x86_64", AMAZON, "x86_64",
     "Amazon Linux 2023 AMI 2023.6.20250107.0 x86_64 HVM kernel-6.1", "amazon", "2025-01-07T00:00:00.000Z"),
    ("ami-0a1b000000000002a", "al2023-ami-2023.7.20250331.0-kernel-6.1-x86_64", AMAZON, "x86_64",
     "Amazon Linux 2023 AMI 2023.7.20250331.0 x86_64 HVM kernel-6.1", "amazon", "2025-03-31T00:00:00.000Z"),
    ("ami-0a1b000000000003a", "al2023-ami-2023.7.20250331.0-kernel-6.1-arm64", AMAZON, "arm64",
     "Amazon Linux 2023 AMI 2023.7.20250331.0 arm64 HVM kernel-6.1", None, "2025-03-31T00:00:00.000Z"),
    ("ami-0a1b000000000004a", "al2023-ami-minimal-2023.7.20250331.0-kernel-6.1-x86_64", AMAZON, "x86_64",
     "Amazon Linux 2023 AMI 2023.7.20250331.0 x86_64 Minimal HVM kernel-6.1", "amazon",
     "2025-03-31T00:00:00.000Z"),
    ("ami-0d1b000000000001d", "debian-12-amd64-20250316-2053", DEBIAN, "x86_64",
     "Debian 12 (20250316-2053)", "debian", "2025-03-16T00:00:00.000Z"),
    ("ami-0d1b000000000003d", "debian-12-amd64-20250210-2019", DEBIAN, "x86_64",
     "Debian 12 (20250210-2019)", "debian", "2025-02-10T00:00:00.000Z"),
    ("ami-0d1b000000000002d", "debian-12-arm64-20250316-2053", DEBIAN, "arm64",
     "Debian 12 (20250316-2053)", None, "2025-03-16T00:00:00.000Z"),
]
FLAVOUR = {image[0]: image[5] for image in IMAGES}

# What `lab up` prints: name -> id.
PRINTED = {
    "amazon": "ami-0a1b000000000002a", "amazon_older": "ami-0a1b000000000001a",
    "debian": "ami-0d1b000000000001d", "debian_older": "ami-0d1b000000000003d",
}


def write(path):
    """The file that moto reads its images from."""
    path.write_text(json.dumps([
        {
            "ami_id": ami, "name": name, "owner_id": owner, "architecture": architecture,
            "description": description, "creation_date": created, "state": "available", "public": True,
            "image_type": "machine", "image_location": f"amazon/{name}", "hypervisor": "xen",
            "virtualization_type": "hvm", "root_device_type": "ebs", "root_device_name": "/dev/xvda",
            "sriov": "simple", "platform": None,
        }
        for ami, name, owner, architecture, description, _, created in IMAGES
    ]), encoding="utf-8")
