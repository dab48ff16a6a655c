"""The keys of the dock, none of which is taken by napari."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from napari_unet.annotation.edit import tools

if TYPE_CHECKING:
    from napari.components import ViewerModel

PREDICT = "S"
NEXT = "N"
NEXT_IMAGE = "Shift+N"
IMAGE_BEFORE = "Shift+B"
# Where no other labels layer is selected.
UNDO = "Ctrl+Z"
REDO = "Ctrl+Shift+Z"
TRAIN = "Shift+T"
FLIP = "D"
HIDE = "H"


def keys_of_tools() -> dict[str, str]:
    """Return the keys of edits that have one, by the names of the edits."""
    return {name: tool.key for name, (tool, _) in tools().items() if tool.key}


def hint(text: str, key: str) -> str:
    """Return a tooltip that names the key, if there is one."""
    return f"{text} ({key})" if key else text


def bind_keys(
    viewer: ViewerModel,
    actions: Mapping[str, Callable[[], object]],
    held: Mapping[str, Callable[[Any], Generator[None, None, None]]],
) -> list[str]:
    """Bind keys, unless another plugin has bound them before; return those bound.

    Those that are `held` go on when the key comes up.
    """
    taken = {str(binding) for binding in viewer.keymap}
    pressed = {key: _without_viewer(action) for key, action in actions.items()}
    bound = {k: do for k, do in (pressed | dict(held)).items() if k not in taken}
    for key, do in bound.items():
        viewer.bind_key(key, do)
    return list(bound)


def release_keys(viewer: ViewerModel, keys: Iterable[str]) -> None:
    """Unbind keys."""
    for key in keys:
        viewer.bind_key(key, None)


def _without_viewer(action: Callable[[], object]) -> Callable[[Any], None]:
    def press(_viewer: Any) -> None:
        action()

    return press
