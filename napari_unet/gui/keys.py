"""The keys of the dock, in one table; none of them is taken by napari."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel


@dataclass(frozen=True, slots=True)
class Key:
    """A key combination.

    Parameters
    ----------
    binding : str
        As napari writes it.
    shown : str
        As a person reads it.
    does : str
        What it does, in a few words.
    """

    binding: str
    shown: str
    does: str


class Keys(Enum):
    """Every key combination of the dock."""

    PREDICT = Key("S", "S", "predict")
    ACCEPT_VIEW = Key("Shift-A", "Shift+A", "accept everything in view")
    UNDO = Key("Control-Z", "Ctrl+Z", "undo, where no other labels layer is selected")
    REDO = Key("Control-Shift-Z", "Ctrl+Shift+Z", "redo, in the same way")
    UNVERIFY_VIEW = Key("Shift-U", "Shift+U", "un-verify everything in view")
    TRAIN = Key("Shift-T", "Shift+T", "start or stop training")


def hint(text: str, key: Keys) -> str:
    """Return a tooltip that names the key."""
    return f"{text} ({key.value.shown})"


def bind_keys(viewer: ViewerModel, actions: dict[Keys, Callable[[], object]]) -> None:
    """Bind keys, unless another plugin has bound them before."""
    taken = {str(binding) for binding in viewer.keymap}
    for key, action in actions.items():
        if key.value.binding not in taken:
            viewer.bind_key(key.value.binding, _without_viewer(action))


def release_keys(viewer: ViewerModel) -> None:
    """Unbind the keys."""
    for key in Keys:
        viewer.bind_key(key.value.binding, None)


def _without_viewer(action: Callable[[], object]) -> Callable[[Any], None]:
    def press(_viewer: Any) -> None:
        action()

    return press
