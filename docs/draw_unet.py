"""Draw the original U-Net, as an SVG, from the network itself.

    python docs/draw_unet.py

How it flows: the network runs once on torch's meta device, which computes shapes and
no values; every layer reports what it made; the layers become boxes on a grid, and the
boxes become text. A change of the network is a change of the figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import torch
from torch import Tensor, nn

from napari_unet.nets.original import OriginalUNet

Point = tuple[float, float]
Kind = Literal["conv", "pool", "up", "head", "copy"]
KINDS: dict[str, Kind] = {"Conv2d": "conv", "MaxPool2d": "pool", "UpConvolution": "up"}

OUT = Path(__file__).parent / "images" / "unet.svg"
SIZE, WIDTH, HEIGHT, LEFT, TOP, COLUMN, GAP = 572, 1264, 850, 62.0, 118.0, 60.0, 66.0
INK, PALE, FONT = "#2b3140", "#566072", "Helvetica, Arial, 'DejaVu Sans', sans-serif"
IMAGE, DOWN, UP, MAPS = "#9aa3b2", "#5b8fd6", "#4fae86", "#e0953c"
MIDDLE, BOLD = 'text-anchor="middle"', 'text-anchor="middle" font-weight="bold"'
DASHED = 'fill="none" stroke="white" stroke-width="1.6" stroke-dasharray="4 3"'
ARROWS: dict[Kind, tuple[str, str]] = {
    "conv": (INK, "3x3 convolution, unpadded, and ReLU: 2 px less"),
    "pool": ("#b8433a", "2x2 max pooling, stride 2: half the size"),
    "up": ("#2a8560", "2x2 up-convolution: twice the size, half the channels"),
    "copy": (PALE, "copy and crop: the dashed middle, put first"),
    "head": ("#b86f16", "1x1 convolution: one map for each class"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """Features of a size, on a grid; `parts` are channels copied and made here."""

    level: int
    column: int
    parts: tuple[tuple[int, str], ...]
    size: int

    @property
    def height(self) -> float:
        """Grow with the square root: small features stay visible."""
        return 150 * math.sqrt(self.size / SIZE)

    @property
    def width(self) -> float:
        """Grow with the logarithm of the channels."""
        return sum(4.0 * max(1.5, n.bit_length() - 4) for n, _ in self.parts)


Layer = tuple[Kind, int, int]
Link = tuple[Kind, Box, Box]


def trace(net: OriginalUNet) -> list[Layer]:
    """Run the network; return the kind, the channels and the size of every layer."""
    made: list[Layer] = []

    def report(module: nn.Module, _: tuple[Tensor, ...], maps: Tensor) -> None:
        kind = "head" if module is net.head else KINDS[type(module).__name__]
        made.append((kind, maps.shape[1], maps.shape[2]))

    for module in net.modules():
        if type(module).__name__ in KINDS:
            module.register_forward_hook(report)
    net(torch.zeros(1, net.in_channels, SIZE, SIZE, device="meta"))
    return made


def arrange(layers: list[Layer], last: Box) -> list[Link]:
    """Place what every layer makes: to the right, down (pooling) or up (up-conv)."""
    links, waiting, color = list[Link](), list[Box](), DOWN
    for kind, channels, size in layers:
        level, column = last.level, last.column + (kind in {"conv", "head"})
        copied: tuple[tuple[int, str], ...] = ()
        if kind == "pool":
            waiting.append(last)
            level += 1
        elif kind == "up":
            level, color, copied = level - 1, UP, waiting[-1].parts
        own = (channels, MAPS if kind == "head" else color)
        box = Box(level, column, (*copied, own), size)
        links.append((kind, last, box))
        if copied:
            links.append(("copy", waiting.pop(), box))
        last = box
    return links


def text(at: Point, words: str, size: int = 12, fill: str = INK, how: str = "") -> str:
    """Return a line of text that starts at a point, unless `how` moves it."""
    place = f'x="{at[0]:.5g}" y="{at[1]:.5g}" font-size="{size}" fill="{fill}"'
    return f"<text {place} {how}>{escape(words)}</text>"


def rectangle(corner: Point, width: float, height: float, style: str) -> str:
    """Return a rectangle from its upper left corner."""
    place = f'x="{corner[0]:.5g}" y="{corner[1]:.5g}"'
    return f'<rect {place} width="{width:.5g}" height="{height:.5g}" {style}/>'


def arrow(kind: Kind, start: Point, stop: Point) -> str:
    """Return an arrow along one axis."""
    color, dashes = ARROWS[kind][0], ' stroke-dasharray="5 4"' * (kind == "copy")
    (x, y), (x_tip, y_tip) = start, stop
    dx, dy = (x_tip > x) - (x_tip < x), (y_tip > y) - (y_tip < y)
    x_neck, y_neck = x_tip - 8 * dx, y_tip - 8 * dy
    wings = [(x_neck + s * dy, y_neck + s * dx) for s in (-4.5, 4.5)]
    corners = " ".join(f"{a:.5g},{b:.5g}" for a, b in [stop, *wings])
    return (
        f'<path d="M{x:.5g} {y:.5g}L{x_neck:.5g} {y_neck:.5g}" stroke="{color}" '
        f'stroke-width="2"{dashes}/><polygon points="{corners}" fill="{color}"/>'
    )


def draw_box(box: Box, at: Point) -> list[str]:
    """Return a box with its channels above and its size below."""
    left, top = at[0] - box.width / 2, at[1] - box.height / 2
    above, below = (at[0], top - 6), (at[0], top + box.height + 14)
    numbers = " + ".join(str(n) for n, _ in box.parts)
    lines = [text(above, numbers, how=BOLD)]
    lines.append(text(below, f"{box.size}²", 11, PALE, MIDDLE))
    share = box.width / len(box.parts)
    for i, (_, color) in enumerate(box.parts):
        place = (left + i * share, top)
        lines.append(rectangle(place, share, box.height, f'fill="{color}"'))
    return lines


def draw_link(link: Link, a: Point, b: Point) -> list[str]:
    """Return an arrow from box to box; it leaves room for what is written there."""
    kind, start, stop = link
    if a[0] == b[0]:
        y, y_tip = start.height / 2 + 20, stop.height / 2 + 20
        y, y_tip = (y, -y_tip) if b[1] > a[1] else (-y, y_tip)
        return [arrow(kind, (a[0], a[1] + y), (b[0], b[1] + y_tip))]
    x, x_tip = a[0] + start.width / 2 + 3, b[0] - stop.width / 2 - 3
    lines = [arrow(kind, (x, a[1]), (x_tip, a[1]))]
    if kind == "copy":
        corner = (a[0] - start.width / 2 + 2, a[1] - stop.height / 2)
        lines.append(rectangle(corner, start.width - 4, stop.height, DASHED))
        middle, sizes = ((x + x_tip) / 2, a[1] - 8), f"{start.size}² → {stop.size}²"
        lines.append(text(middle, sizes, 11, PALE, MIDDLE))
    return lines


def draw_words(title: str, y: float) -> list[str]:
    """Return all that is written beside the boxes; the paths are named at `y`."""
    left, right, bottom = LEFT - 20, WIDTH - LEFT + 20, 722
    bold, end = 'font-weight="bold"', ' text-anchor="end"'
    lines = [
        text((left, 40), "The original U-Net", 20, how=bold),
        text((left, 62), title, 13, PALE),
        text((left, y), "contracting path", 15, DOWN, bold),
        text((right, y), "expansive path", 15, UP, bold + end),
        text((right, bottom), "above a box: its channels", how=end),
        text((right, bottom + 24), "below: its size, 568² for 568 x 568 px", how=end),
        text((right, bottom + 48), "two colours: copied and upsampled", how=end),
    ]
    for row, (kind, (_, meaning)) in enumerate(ARROWS.items()):
        at = bottom + 24 * row
        lines.append(arrow(kind, (left, at - 4), (left + 34, at - 4)))
        lines.append(text((left + 46, at), meaning))
    return lines


def draw() -> str:
    """Return the figure as the text of an SVG."""
    with torch.device("meta"):
        net = OriginalUNet()
    layers = trace(net)
    links = arrange(layers, Box(0, 0, ((net.in_channels, IMAGE),), SIZE))
    boxes = [links[0][1], *(box for kind, _, box in links if kind != "copy")]
    levels = range(net.sizes.blocks)
    rows = [max(b.height for b in boxes if b.level == level) for level in levels]
    y = [TOP + sum(rows[:i]) + GAP * i + rows[i] / 2 for i in levels]
    at = {box: (LEFT + COLUMN * box.column, y[box.level]) for box in boxes}
    convolutions = sum(kind != "pool" for kind, _, _ in layers)
    parameters = sum(p.numel() for p in net.parameters())
    title = f"{convolutions} convolutional layers, {parameters:,} parameters"
    parts = [
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'],
        [f'<title>The original U-Net: {title}</title><g font-family="{FONT}">'],
        [rectangle((0, 0), WIDTH, HEIGHT, 'fill="white" rx="14"')],
        draw_words(title, y[len(y) // 2]),
        *(draw_box(box, at[box]) for box in boxes),
        *(draw_link(link, at[link[1]], at[link[2]]) for link in links),
    ]
    return "\n".join([*chain(*parts), "</g></svg>", ""])


if __name__ == "__main__":
    OUT.write_text(draw(), encoding="utf-8", newline="\n")
