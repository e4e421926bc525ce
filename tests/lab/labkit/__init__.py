"""The EC2 look-alike used by Subako's integration tests.

Layout:
    cli        the command line, exit codes
    config     names, addresses and paths: every constant that two modules share
    system     running programs, waiting with a deadline, starting daemons
    lock       one lab at a time on one machine
    setup, build_images   what `lab setup` prepares, step by step, each with a fingerprint
    up, down   starting everything; taking everything down and counting what is left
    network    bridge, network namespaces
    firewall   security groups as nftables rules
    cgroups    one control group per host, by which teardown finds its processes
    host       one machine: boot, power off, crash, boot again, remove
    controller the daemon that makes hosts follow the instances of the EC2 endpoint
    imds, dns  instance metadata service, VPC resolver
    mesh       stand-in for IPVS on kernels without it
    ec2        the EC2 endpoint: moto, with the gaps closed that matter to the tests
    check      the lab's self-test
"""
