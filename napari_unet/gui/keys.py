"""The keys of the dock, none of which is taken by napari."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from napari_unet.annotation.edit import tools

if TYPE_CHECKING:
    from napari.components import ViewerModel

PREDICT = "S"
NEXT = "N"
# Where no other labels layer is selected.
UNDO = "Ctrl+Z"
REDO = "Ctrl+Shift+Z"
TRAIN = "Shift+T"
FLIP = "D"


def keys_of_tools() -> dict[str, str]:
    """Return the keys of edits that have one, by the names of the edits."""
    return {name: tool.key for name, (tool, _) in tools().items() if tool.key}


def hint(text: str, key: str) -> str:
    """Return a tooltip that names the key, if there is one."""
    return f"{text} ({key})" if key else text


def bind_keys(
    viewer: ViewerModel, actions: Mapping[str, Callable[[], object]]
) -> list[str]:
    """Bind keys, unless another plugin has bound them before; return those bound."""
    taken = {str(binding) for binding in viewer.keymap}
    bound = [key for key in actions if key not in taken]
    for key in bound:
        viewer.bind_key(key, _without_viewer(actions[key]))
    return bound


def release_keys(viewer: ViewerModel, keys: Iterable[str]) -> None:
    """Unbind keys."""
    for key in keys:
        viewer.bind_key(key, None)


def _without_viewer(action: Callable[[], object]) -> Callable[[Any], None]:
    def press(_viewer: Any) -> None:
        action()

    return press
