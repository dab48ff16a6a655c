from .device import (
    choose_execution as choose_execution,
    describe_device as describe_device,
    resolve_device as resolve_device,
)
