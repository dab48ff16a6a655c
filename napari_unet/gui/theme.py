"""Colours that are readable on napari's background, dark or light."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.theme import get_theme


@dataclass(frozen=True, slots=True)
class Colors:
    """Colours of one theme, as ``#rrggbb``."""

    background: str  # of the theme itself, as the text
    text: str
    faint: str  # text that may be overlooked
    warning: str  # text that should not
    error: str  # text that must not
    loss: str  # lines of the learning curve
    score: str


_ON_DARK = ("#a5a9b0", "#ffcc80", "#ff8a80", "#7f8793", "#56b4e9")
_ON_LIGHT = ("#5f5c5a", "#7a4f00", "#b00020", "#8c8885", "#0063a0")


def colors_of(theme: str) -> Colors:
    """Return the colours for a theme of napari, built in or not."""
    found = get_theme(theme)
    background, text = found.background, found.text
    dark = sum(background.as_rgb_tuple()[:3]) < sum(text.as_rgb_tuple()[:3])
    ours = _ON_DARK if dark else _ON_LIGHT
    return Colors(background.as_hex("long"), text.as_hex("long"), *ours)


def style_sheet(colors: Colors, points: int) -> str:
    """Return how the dock's own widgets look; all else is napari's business.

    `points` is the size of napari's font, which it does not give to lists, tables and
    small buttons.
    """
    return f"""
    QTableView, QListView, QHeaderView, QToolButton {{ font-size: {points}pt; }}
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
    QPushButton[role="tool"] {{ padding: 3px 4px; border: 1px solid transparent; }}
    QPushButton[role="tool"]:checked {{ border: 1px solid {colors.text}; }}
    QPlainTextEdit {{ border: 1px solid {colors.faint}; }}
    """
