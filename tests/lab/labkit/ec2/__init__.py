"""The EC2 (and S3) endpoint of the lab: moto, with the gaps closed that matter to the tests.

    amis       the machine images on offer, and what each of them boots
    patches    changes to moto's behaviour
    view       what the controller reads from and reports to the endpoint
    server     the program
"""
