"""Colours that are readable on napari's background, dark or light."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.theme import get_theme


@dataclass(frozen=True, slots=True)
class Colors:
    """Colours of one theme, as ``#rrggbb``.

    Parameters
    ----------
    background, text : str
        Of the theme itself.
    faint : str
        Text that may be overlooked.
    warning : str
        Text that should not.
    error : str
        Text that must not.
    loss, score : str
        Lines of the learning curve.
    """

    background: str
    text: str
    faint: str
    warning: str
    error: str
    loss: str
    score: str


def colors_of(theme: str) -> Colors:
    """Return the colours for a theme of napari, built in or not."""
    found = get_theme(theme)
    background, text = found.background.as_hex("long"), found.text.as_hex("long")
    if sum(_channels(background)) < sum(_channels(text)):
        return Colors(
            background, text, "#a5a9b0", "#ffcc80", "#ff8a80", "#7f8793", "#56b4e9"
        )
    return Colors(
        background, text, "#5f5c5a", "#7a4f00", "#b00020", "#8c8885", "#0063a0"
    )


def style_sheet(colors: Colors) -> str:
    """Return how the dock's own widgets look; all else is napari's business."""
    return f"""
    QLabel[role="title"] {{ font-weight: bold; }}
    QLabel[role="faint"] {{ color: {colors.faint}; }}
    QLabel[role="warning"] {{ color: {colors.warning}; }}
    QLabel[role="error"] {{ color: {colors.error}; }}
    QFrame[role="notice"] {{
        border: 1px solid {colors.score}; border-radius: 4px;
    }}
    QLineEdit[valid="false"], QAbstractSpinBox[valid="false"] {{
        border: 1px solid {colors.error};
    }}
    QPushButton[role="primary"] {{ font-weight: bold; }}
    QPushButton[role="brush"] {{ padding: 3px 6px; text-align: left; }}
    QPushButton[role="brush"]:checked {{
        border: 1px solid {colors.text}; font-weight: bold;
    }}
    QPlainTextEdit {{ border: 1px solid {colors.faint}; }}
    """


def _channels(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
