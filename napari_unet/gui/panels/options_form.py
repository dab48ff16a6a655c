"""A form for the options of a network, made from their description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, get_origin

from magicgui.widgets import create_widget

from napari_unet.gui.panels.number_box import NumberBox

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_BOUNDS = {"ge": "min", "gt": "min", "le": "max", "lt": "max"}
_MOST = 1e6
_LABELS = {
    "base_channels": "Channels at the top",
    "blocks": "Levels",
    "depth": "Levels below the top",
    "norm": "Normalisation",
    "upsampling": "Way up",
}
_CHOICES: dict[str, dict[str, str]] = {
    "upsampling": {"transpose": "learned", "interpolate": "smooth"},
    "norm": {"batch": "by batch", "group": "by group", "none": "none"},
    "activation": {"relu": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU"},
}


class Control(Protocol):
    """Where one option is chosen: a widget of magicgui, or a `NumberControl`."""

    value: Any

    @property
    def native(self) -> Any:
        """The widget of Qt."""
        ...

    @property
    def label(self) -> Any:
        """What stands beside it."""
        ...


class NumberControl:
    """A number, which is read as in all other boxes of the dock."""

    def __init__(self, label: str, value: float, limits: dict[str, float]) -> None:
        self.label = label
        self.native = NumberBox()
        self._kind = type(value)
        self.native.setDecimals(4 if self._kind is float else 0)
        self.native.setSingleStep(0.05 if self._kind is float else 1)
        self.native.setRange(limits.get("min", 0.0), limits.get("max", _MOST))
        self.native.setValue(value)

    @property
    def value(self) -> Any:
        """The number."""
        return self._kind(self.native.value())

    @value.setter
    def value(self, number: float) -> None:
        self.native.setValue(number)


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
    controls : dict of Control
        By the name of the field.
    """

    def __init__(self, options: BaseModel, hidden: tuple[str, ...] = ()) -> None:
        self._options = options
        self.controls: dict[str, Control] = {
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


def _control(name: str, field: FieldInfo, value: object) -> Control:
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    if field.annotation in (int, float) and isinstance(value, int | float):
        return NumberControl(label, value, _limits(field))
    options: dict[str, Any] = {}
    if get_origin(field.annotation) is Literal:
        words = _CHOICES.get(name, {})
        names = get_args(field.annotation)
        options["choices"] = [(words.get(each, str(each)), each) for each in names]
    return create_widget(
        value=value,
        name=name,
        annotation=field.annotation,
        label=label,
        options=options,
    )


def _limits(field: FieldInfo) -> dict[str, float]:
    return {
        side: float(getattr(bound, kind))
        for bound in field.metadata
        for kind, side in _BOUNDS.items()
        if hasattr(bound, kind)
    }
