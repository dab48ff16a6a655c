"""Numbers that somebody wrote down, by hand or in a script."""

from __future__ import annotations

from numbers import Real

from napari_unet.errors import InputError


def refuse_beyond(name: str, value: object, limits: tuple[float, float]) -> None:
    """Raise an InputError if this is no number between the limits, both included."""
    least, most = limits
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not least <= value <= most:  # type: ignore[operator]
        found = f"{value:g}" if number else repr(value)
        raise InputError(
            f"Expected a number from {least:g} to {most:g} for {name}, found {found}."
        )
