from .device import (
    choose_execution as choose_execution,
    resolve_device as resolve_device,
)
