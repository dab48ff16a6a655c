"""The keys of the dock, in one table; none of them is taken by napari."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_unet.annotation.edit import tools

if TYPE_CHECKING:
    from napari.components import ViewerModel


@dataclass(frozen=True, slots=True)
class Key:
    """A key combination.

    Parameters
    ----------
    shown : str
        As a person reads it.
    does : str
        What it does, in a few words.
    """

    shown: str
    does: str

    @property
    def binding(self) -> str:
        """As napari writes it."""
        return self.shown.replace("Ctrl", "Control").replace("+", "-")


PREDICT = Key("S", "predict")
UNDO = Key("Ctrl+Z", "undo, where no other labels layer is selected")
REDO = Key("Ctrl+Shift+Z", "redo, in the same way")
TRAIN = Key("Shift+T", "start or stop training")


def keys_of_tools() -> dict[str, Key]:
    """Return the keys of edits that have one, by the names of the edits."""
    return {
        name: Key(tool.key, tool.title)
        for name, (tool, _) in tools().items()
        if tool.key
    }


def all_keys() -> list[Key]:
    """Return every key combination of the dock."""
    return [PREDICT, UNDO, REDO, TRAIN, *keys_of_tools().values()]


def hint(text: str, key: str) -> str:
    """Return a tooltip that names the key, if there is one."""
    return f"{text} ({key})" if key else text


def bind_keys(viewer: ViewerModel, actions: dict[Key, Callable[[], object]]) -> None:
    """Bind keys, unless another plugin has bound them before."""
    taken = {str(binding) for binding in viewer.keymap}
    for key, action in actions.items():
        if key.binding not in taken:
            viewer.bind_key(key.binding, _without_viewer(action))


def release_keys(viewer: ViewerModel) -> None:
    """Unbind the keys."""
    for key in all_keys():
        viewer.bind_key(key.binding, None)


def _without_viewer(action: Callable[[], object]) -> Callable[[Any], None]:
    def press(_viewer: Any) -> None:
        action()

    return press
