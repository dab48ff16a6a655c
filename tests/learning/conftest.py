from tests.tiny import disks, model  # noqa: F401
