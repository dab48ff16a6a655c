"""What a person means by a number that is typed or pasted.

People write 18.5 or 18,5, and what they paste comes from programs of many countries:
1,234.5 or 1.234,5 or 1 234,5, with digits of their own script. What can be read in one
way only is read; what can be read in two ways is refused, in words: nothing is ever
taken for ten times or a thousand times what was meant.
"""

from __future__ import annotations

import re
import unicodedata

from napari_unet.errors import InputError

_MINUS = "\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019\u02bc"
# The separators of Arabic and Persian have signs of their own, and one meaning each.
_SAME = str.maketrans(
    {
        "\u066b": ".",
        "\u066c": "'",
        **dict.fromkeys(_MINUS, "-"),
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_APOSTROPHES, "'"),
    }
)
_FEW_DIGITS = 3
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([ '.,])\d{3})(?:\1\d{3})*")
_PLAIN = re.compile(r"\d+")
_ALLOWED = re.compile(r"[-+]?[\d .,']*(?:[eE][-+]?\d*)?")
_EXPONENT = re.compile(r"[eE]([-+]?\d{1,2})$")


def read_number(text: str, *, decimals: int = 15, group: str = "") -> float:
    """Return the number that a text says.

    Parameters
    ----------
    text : str
        What was typed or pasted, without a unit.
    decimals : int
        How many decimals there is room for. Where there is none for three, three
        digits after a separator may be thousands.
    group : str
        What the person's system puts between thousands; that sign before three digits
        may mean thousands as well.

    Raises
    ------
    InputError
        If it is no number, or can be read in two ways.
    """
    plain, power = _without_exponent(_in_ascii(text))
    sign = -1.0 if plain.startswith("-") else 1.0
    plain = re.sub("^[-+]", "", plain).strip()
    mark, whole, rest = _cut(plain)
    if not (rest is None or not rest or _PLAIN.fullmatch(rest)) or not (whole or rest):
        raise InputError(f"{text.strip()!r} is no number; type one such as 18.5.")
    if whole and not _PLAIN.fullmatch(whole) and not _GROUPED.fullmatch(whole):
        raise InputError(f"{text.strip()!r} is no number; type one such as 18.5.")
    if _may_be_thousands(mark, whole, rest, decimals, group):
        digits = whole + (rest or "")
        shown = f"{digits} or {whole}.{rest}0"
        raise InputError(f"{text.strip()} can be read in two ways: type {shown}.")
    whole = re.sub(r"[ '.,]", "", whole)
    return sign * float(f"{whole or '0'}.{rest or '0'}e{power}")


def _without_exponent(plain: str) -> tuple[str, int]:
    """Return a number without its power of ten, such as 3 of 1.5e3, and that power."""
    found = _EXPONENT.search(plain)
    return (plain[: found.start()], int(found[1])) if found else (plain, 0)


def may_become_number(text: str) -> bool:
    """Return whether all signs of a text can be part of a number."""
    return _ALLOWED.fullmatch(_in_ascii(text)) is not None


def _in_ascii(text: str) -> str:
    """Return a text with plain digits and signs, without marks of the direction."""
    seen = "".join(each for each in text if unicodedata.category(each) != "Cf")
    digits = (
        str(unicodedata.decimal(each)) if each.isdecimal() else each for each in seen
    )
    return "".join(digits).translate(_SAME).strip()


def _cut(plain: str) -> tuple[str, str, str | None]:
    """Return the decimal separator, what is before it, and what is after it.

    Of two kinds of separators the last one is that of the decimals. One that is there
    several times is none.
    """
    marks = [each for each in plain if each in ".,"]
    if not marks:
        return "", plain, None
    last = marks[-1]
    if len(marks) > 1 and len(set(marks)) == 1:
        return "", plain, None
    whole, rest = plain.rsplit(last, 1)
    return last, whole, rest


def _may_be_thousands(
    mark: str, whole: str, rest: str | None, decimals: int, group: str
) -> bool:
    """Whether a separator before three digits may stand between thousands."""
    if not mark or rest is None or len(rest) != _FEW_DIGITS:
        return False
    if not re.fullmatch(r"[1-9]\d{0,2}", whole):
        return False
    return decimals < _FEW_DIGITS or mark == group
