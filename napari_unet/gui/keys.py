"""The keys of the dock, none of which is taken by napari, and a sheet of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
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
PAINT_OVER = "W"
# Where an image layer is selected, this one is napari's.
OUTLINES = "O"
SEE = "R"
FOLLOW = "Shift+F"


SHEET = "?"  # napari has no name for it: a shortcut of the window

_WORDS = {
    PREDICT: "Predict, first what is in view",
    NEXT: "Go to the next view that needs a look; after the last, to the next image",
    f"{NEXT_IMAGE} / {IMAGE_BEFORE}": "Go to the next image, or to the one before; "
    "from a verified plane to the next, or last, unverified one",
    FLIP: "Labels on or off; while comparing, the one model or the other",
    HIDE: "Hold to see the bare image",
    SEE: "How sure the model is, as a picture; on or off",
    OUTLINES: "Labels as outlines, hidden, filled",
    FOLLOW: "Follow the objects of a time-lapse by their ids",
    PAINT_OVER: "What the brush may paint over: all, background, first touched",
    TRAIN: "Start or stop Fine-tune",
    f"{UNDO} / {REDO}": "Take back / do again, whatever it was",
    SHEET: "This sheet",
}
_OF_NAPARI = {
    "2 / 1": "Brush / eraser",
    "[ / ]": "Smaller / larger brush",
    "4": "Fill",
    "3": "Outline with the mouse",
    "5": "Pick an object",
    "M": "A new object",
    "6": "Move the view (hold Space at any time)",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that belong together, each with what it does."""

    title: str
    keys: tuple[tuple[str, str], ...]


def sheet() -> tuple[Group, ...]:
    """Return all keys with what they do, also those of napari that correct."""
    of_tools = [
        (tool.key, tool.gesture or tool.title)
        for tool, _ in tools().values()
        if tool.key
    ]
    return (
        Group("Predict, look, learn", tuple(_WORDS.items())),
        Group("Correct", tuple(of_tools)),
        Group("napari's labels layer", tuple(_OF_NAPARI.items())),
    )


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
