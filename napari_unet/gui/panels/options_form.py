"""A form for the options of a network, made from their description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from magicgui.widgets import create_widget

if TYPE_CHECKING:
    from magicgui.widgets.bases import ValueWidget
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_BOUNDS = {"ge": "min", "gt": "min", "le": "max", "lt": "max"}


class OptionsForm:
    """One control for every option that leaves a choice.

    Parameters
    ----------
    options : pydantic.BaseModel
        Where the controls start; names, kinds and limits are those of its fields.
    hidden : tuple of str
        Fields that are chosen elsewhere.

    Attributes
    ----------
    controls : dict of magicgui widgets
        By the name of the field; each has a label.
    """

    def __init__(self, options: BaseModel, hidden: tuple[str, ...] = ()) -> None:
        self._options = options
        self.controls = {
            name: _control(name, field, getattr(options, name))
            for name, field in type(options).model_fields.items()
            if name not in hidden and _leaves_a_choice(field)
        }

    @property
    def value(self) -> Any:
        """The options as they are chosen, of the class they came in.

        Raises
        ------
        pydantic.ValidationError
            If an option is at a limit that is not allowed itself.
        """
        chosen = {name: control.value for name, control in self.controls.items()}
        old = self._options.model_dump()
        return type(self._options).model_validate({**old, **chosen})


def _leaves_a_choice(field: FieldInfo) -> bool:
    kind = field.annotation
    return get_origin(kind) is not tuple and not (
        get_origin(kind) is Literal and len(get_args(kind)) == 1
    )


def _control(name: str, field: FieldInfo, value: object) -> ValueWidget[Any]:
    return create_widget(
        value=value,
        name=name,
        annotation=field.annotation,
        label=name.replace("_", " ").capitalize(),
        options=_limits(field),
    )


def _limits(field: FieldInfo) -> dict[str, float]:
    return {
        side: float(getattr(bound, kind))
        for bound in field.metadata
        for kind, side in _BOUNDS.items()
        if hasattr(bound, kind)
    }
