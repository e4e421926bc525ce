"""The lab's own exceptions and exit codes."""

SKIP = 77  # exit code of a machine on which the lab cannot run


class LabError(Exception):
    """Something that stops a command; its text is all that the user sees."""


class Unsupported(LabError):
    """This machine cannot run the lab (exit code 77)."""
