"""The form of an edit: a frozen command that changes an annotation.

An edit says what to change and changes it through a `Workspace`, which tells what
happened as one `Change`: that is written down, and can be taken back and done again.
So an edit needs no undo of its own. One that is a `Tool` is offered by front ends, with
its words and its key, without their knowing it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeVar

from napari_unet.annotation.change import Change
from napari_unet.annotation.workspace import Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.section import Section

NOTHING_PICKED = "Choose an object first, with the picker of the labels layer (5)."


class Facts(Protocol):
    """What is known of an annotation where an edit of it is offered.

    There are labels to look at, something to accept besides what a person painted, and
    anything in the labels, shown or not. The image has several planes or frames; it has
    several frames.
    """

    @property
    def has_labels(self) -> bool: ...  # noqa: D102
    @property
    def has_prediction(self) -> bool: ...  # noqa: D102
    @property
    def worked_on(self) -> bool: ...  # noqa: D102
    @property
    def verified_share(self) -> float: ...  # noqa: D102
    @property
    def has_planes(self) -> bool: ...  # noqa: D102
    @property
    def has_frames(self) -> bool: ...  # noqa: D102


def why_no_labels(facts: Facts) -> str:
    """Return what to do where no labels are shown, or nothing where some are."""
    if facts.has_labels:
        return ""
    if facts.worked_on:
        return "The labels are not shown: press Show the earlier work first."
    return "There are no labels yet; press Predict first."


@dataclass(frozen=True, slots=True)
class Tool:
    """How a front end offers an edit.

    Parameters
    ----------
    title, tip : str
        What its button says, and what that means.
    needs : {"view", "object", "line", "joint", "seed", "plane", "nothing"}
        What the edit is made of: the box in sight, the object that is picked, a `Line`
        that the person draws over objects, or clicks; one, and the label that is
        picked; what grows from a click, see `napari_unet.session.growing`; or the
        `Section` in sight and the label that is picked, which is offered where there
        are several planes.
    key : str
        The key that does it, as people write it ("Shift+A"), or nothing.
    primary : bool
        Whether it is the one that most people want most of the time.
    seldom : bool
        Whether it is wanted now and then, and may lie behind another button.
    done, unchanged : str
        What is said when something changed, and when nothing did.
    instead : str
        What to do where there are no objects.
    gesture : str
        What to do with the mouse, where it is kept in hand.
    two_clicks : bool
        Whether two clicks are the ends of a line, as well as a line that is drawn.
    in_time : bool
        Whether it is about ids over time, and offered where there are frames.
    boxed : str
        The name of the edit that a box does, which is drawn while Shift is down; it is
        made of a `Line` from a corner of the box to the opposite one.
    """

    title: str
    tip: str
    needs: Literal["view", "object", "line", "joint", "seed", "plane", "nothing"]
    key: str = ""
    primary: bool = False
    seldom: bool = False
    done: str = ""
    unchanged: str = ""
    instead: str = "use a tool for a view"
    gesture: str = ""
    two_clicks: bool = False
    in_time: bool = False
    boxed: str = ""

    @property
    def for_objects(self) -> bool:
        """Whether there have to be objects."""
        return self.needs in ("object", "plane") or self.in_hand

    @property
    def in_hand(self) -> bool:
        """Whether a front end keeps it in hand, for the mouse, until it is put down."""
        return self.needs in ("line", "joint", "seed")


class Edit(ABC):
    """One thing that a person or a model does to an annotation.

    Subclasses are frozen dataclasses; see `register`.
    """

    __slots__ = ()

    name: ClassVar[str]
    """What it is called wherever edits are told apart."""

    tool: ClassVar[Tool | None] = None
    """How front ends offer it; None where something else makes it."""

    @abstractmethod
    def do(self, work: Workspace) -> Change | None:
        """Change the annotation; return what changed, None if nothing did."""

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:  # noqa: ARG003
        """Return why it would do nothing now, or nothing if it would do something.

        `out_of_sight` says why it would change what the person does not look at, if so.
        """
        return out_of_sight

    def misses(self) -> str:
        """Return what the person has to choose before, or nothing."""
        return ""

    def looked_at(self, shape: tuple[int, ...]) -> Box | None:  # noqa: ARG002
        """Return what a person must have looked at to mean it; None for nothing.

        `shape` is that of the labels.
        """
        return None

    def shows(self) -> Section | None:
        """Return the plane to look at when it is done; None for the one in sight."""
        return None


@dataclass(frozen=True, slots=True)
class ObjectEdit(Edit):
    """An edit of one object."""

    object_id: int

    def misses(self) -> str:
        """Return that no object is chosen, where none is."""
        if self.object_id > 0:
            return ""
        return NOTHING_PICKED


E = TypeVar("E", bound=Edit)

EDITS: dict[str, type[Edit]] = {}
"""All edits by their names, in the order in which tools are offered."""


def register(edit: type[E]) -> type[E]:
    """Add an edit to those that there are."""
    EDITS[edit.name] = edit
    return edit


def tools() -> dict[str, tuple[Tool, Callable[..., Edit]]]:
    """Return the edits that a front end offers, by name, and what makes them.

    Those that are used with the mouse come last.
    """
    offered = [(n, edit.tool, edit) for n, edit in EDITS.items() if edit.tool]
    offered.sort(key=lambda each: each[1].in_hand)
    return {name: (tool, edit) for name, tool, edit in offered}


def tool_of(edit: Edit) -> Tool | None:
    """Return the tool with which a person does an edit, if there is one."""
    boxed = (tool for tool, _ in tools().values() if tool.boxed == edit.name)
    return edit.tool or next(boxed, None)
