"""Draw the icon of the program, with which `napari-unet shortcut` makes its launchers.

    python docs/draw_icon.py

writes it as SVG, PNG, ICO (Windows) and ICNS (macOS). It is a U, the way of an image
through the network: it narrows to the bottom, and comes up again as objects.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).parents[1] / "napari_unet" / "cli" / "launchers" / "icons"
SIZE, FINER = 512, 4

GROUND, U, CELLS = "#14323c", "#f4f1e8", ("#ff8a3d", "#3dbff2", "#9bd94f")
ROUND = 104
"""Radius of the corners."""

WIDE = 64
LEFT, RIGHT, TOP, BEND = 152, 360, 120, 288
"""Middle of the two arms of the U, where they begin and where they bend."""

PLACES = ((LEFT, TOP, 52), (RIGHT, TOP, 52), ((LEFT + RIGHT) // 2, 196, 36))
"""Middle and radius of the cells."""


def as_svg() -> str:
    """Return the icon as SVG."""
    bend = (RIGHT - LEFT) // 2
    path = f"M{LEFT} {TOP}V{BEND}A{bend} {bend} 0 0 0 {RIGHT} {BEND}V{TOP}"
    cells = "".join(
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="{colour}" '
        f'stroke="{GROUND}" stroke-width="16"/>'
        for (x, y, r), colour in zip(PLACES, CELLS, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" rx="{ROUND}" fill="{GROUND}"/>'
        f'<path d="{path}" fill="none" stroke="{U}" stroke-width="{WIDE}"/>'
        f"{cells}</svg>\n"
    )


def as_picture() -> Image.Image:
    """Return the same icon as pixels."""
    picture = Image.new("RGBA", (SIZE * FINER, SIZE * FINER), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)

    def box(*ends: float) -> tuple[float, ...]:
        return tuple(end * FINER for end in ends)

    draw.rounded_rectangle(box(0, 0, SIZE - 1, SIZE - 1), ROUND * FINER, GROUND)
    half, bend = WIDE / 2, (RIGHT - LEFT) / 2
    for arm in (LEFT, RIGHT):
        draw.rectangle(box(arm - half, TOP, arm + half, BEND), U)
    outer = bend + half
    middle = (LEFT + RIGHT) / 2
    around = box(middle - outer, BEND - outer, middle + outer, BEND + outer)
    draw.arc(around, 0, 180, U, WIDE * FINER)
    for (x, y, r), colour in zip(PLACES, CELLS, strict=True):
        for radius, shade in ((r + 8, GROUND), (r - 8, colour)):
            draw.ellipse(box(x - radius, y - radius, x + radius, y + radius), shade)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main() -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the icons")
    out = parser.parse_args().out
    picture = as_picture()
    (out / "napari-unet.svg").write_text(as_svg(), encoding="utf-8")
    picture.resize((256, 256), Image.Resampling.LANCZOS).save(
        out / "napari-unet.png", optimize=True
    )
    sizes = [(n, n) for n in (16, 24, 32, 48, 64, 128, 256)]
    picture.save(out / "napari-unet.ico", sizes=sizes)
    picture.save(out / "napari-unet.icns")
    print(f"The icons are in {out}")


if __name__ == "__main__":
    main()
