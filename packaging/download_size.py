"""Tell how much an installation with `[all]` downloads on Linux, from uv's lock file.

    uv lock && python packaging/download_size.py

for Python 3.11 on x86-64; needs the package `packaging`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parents[1]
START = "napari-unet-live"
PYTHON = (3, 11)
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(39, 4, -1)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
TAGS = [
    *cpython_tags(PYTHON, platforms=PLATFORMS),
    *compatible_tags(PYTHON, platforms=PLATFORMS),
]
MACHINE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.9",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def main() -> None:
    """Print the sizes."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    packages = {each["name"]: each for each in lock["package"]}
    sizes = {name: size(packages[name]) for name in sorted(needed(packages))}
    cuda = {n: s for n, s in sizes.items() if re.match("nvidia|cuda|triton|torch$", n)}
    for name, count in sorted(sizes.items(), key=lambda item: -item[1])[:12]:
        print(f"{count / 1e6:8.0f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:8.0f} MB  in all, {len(sizes)} packages")
    print(f"{sum(cuda.values()) / 1e6:8.0f} MB  of them for torch with CUDA")


def needed(packages: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names of all packages that are downloaded."""
    found: set[str] = set()
    left = [(START, "all")]
    done = set()
    while left:
        name, extra = left.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        found.add(name)
        package = packages[name]
        wanted = list(package.get("dependencies", ()))
        wanted += package.get("optional-dependencies", {}).get(extra, ())
        for each in wanted:
            marker = each.get("marker")
            if marker is None or Marker(marker).evaluate(MACHINE | {"extra": ""}):
                left += [(each["name"], more) for more in ("", *each.get("extra", ()))]
    return found - {START}


def size(package: dict[str, Any]) -> int:
    """Return the bytes of the file that fits best."""
    ranks = {tag: rank for rank, tag in enumerate(TAGS)}
    fitting = []
    for wheel in package.get("wheels", ()):
        name = wheel["url"].rpartition("/")[2].replace("%2B", "+")
        tags = parse_wheel_filename(name)[3]
        best = min((ranks[tag] for tag in tags if tag in ranks), default=None)
        if best is not None:
            fitting.append((best, int(wheel.get("size", 0))))
    if fitting:
        return min(fitting)[1]
    return int(package.get("sdist", {}).get("size", 0))


if __name__ == "__main__":
    main()
