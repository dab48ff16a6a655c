"""`napari-unet project`: what a project holds, whether it is sound, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unet import tasks
from napari_unet.cli.console import end_with, plain, report
from napari_unet.cli.options import JsonOption, OverwriteOption, any_task, option
from napari_unet.cli.project_export import TABLE, export_project, iter_near
from napari_unet.io.reader import collect_log
from napari_unet.project import rescue

if TYPE_CHECKING:
    from napari_unet.project.rescue.recover import ImageOverview, Overview
    from napari_unet.project.rescue.repair import Recovery, RepairResult
    from napari_unet.project.rescue.verify import Report

project = typer.Typer(
    help="Look into, check, recover and export project folders (NAME.unet).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Project folder, such as cells.unet.")
]


@project.callback()
def _keep_quiet(context: typer.Context) -> None:
    """Look into, check, recover and export project folders (NAME.unet)."""
    # What is wrong with a map is told once, in our words.
    context.with_resource(collect_log("tifffile"))


@project.command()
def info(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Show what a project holds: images, work on them, and models.

    Nothing is written, and the project may be open elsewhere.
    """
    found = rescue.look_into(folder)
    problems = [*found.problems]
    problems += [f"{i.name}: {words}" for i in found.images for words in i.problems]
    report(_overview_json(found, problems), _overview_lines(found), as_json=as_json)
    end_with([*problems, _recover_hint(folder)] if problems else [])


@project.command()
def verify(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Check every save, every line of the journals, models and images.

    Nothing is written. The exit code is 2 if anything is damaged or missing.
    """
    found = rescue.verify(folder)
    rows = [{"what": c.what, "state": c.state, "words": c.words} for c in found.checks]
    result = {"sound": found.sound, "checks": rows}
    report(result, _check_lines(found, folder), as_json=as_json)
    if not found.sound:
        number = f"{len(found.problems)} of {len(found.checks)} checks found"
        hint = "What is in the project itself is sound."
        if rescue.needs_repair(rescue.survey(folder)):
            hint = _recover_hint(folder)
        end_with([f"{folder}: {number} something damaged or missing. {hint}"])


@project.command()
def recover(
    folder: FolderArgument,
    out: Annotated[
        Path | None,
        option(
            "NEW.unet", "Make a sound copy, and leave the damaged project untouched."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring back everything that can be read of a damaged project.

    Nothing is destroyed: damaged files are kept in DIR/damaged-DATE-TIME. The exit code
    is 2 if anything is lost.
    """
    near = partial(iter_near, folder)
    if out is None:
        outcome = rescue.recover_here(folder, near)
    else:
        outcome = rescue.recover_copy(folder, out, near)
    lines = _outcome_lines(outcome, out or folder, copied=out is not None)
    report(_outcome_json(outcome, out or folder), lines, as_json=as_json)
    end_with(_loss(image) for image in outcome.images if image.lost)


@project.command()
def export(
    folder: FolderArgument,
    out: Annotated[Path, option("OUT", "Folder to write to.")],
    task: Annotated[str | None, option("TASK", f"Only {any_task()}.")] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write labels, masks of what is verified, and a table.

    The folders OUT/labels and OUT/verified are those that `train` takes.
    """
    if task is not None:
        tasks.find_task(task)
    done = export_project(folder, out, task, overwrite=overwrite)
    failed = [{"name": name, "error": words} for name, words in done.failed]
    result = {"written": done.rows, "failed": failed, "lost": done.notes}
    lines = [
        f"{row['image']}: {100 * row['verified_share']:.1f} % verified, "
        f"in {row['name']}.tif"
        for row in done.rows
    ]
    if done.rows:
        lines.append(f"Labels, masks and {TABLE} are in {out}.")
    report(result, map(plain, lines), as_json=as_json)
    problems = [f"Not exported, for it is lost: {note}" for note in done.notes]
    end_with([*problems, *(f"{n}: not exported: {words}" for n, words in done.failed)])


def _recover_hint(folder: Path) -> str:
    name = shlex.quote(str(folder))
    return f"`napari-unet project recover {name}` brings back what can be read."


def _overview_json(found: Overview, problems: list[str]) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "project": found.folder.resolve().name,
        "format": found.format,
        "open_elsewhere": found.holder or None,
        "settings": manifest.settings.model_dump(mode="json"),
        "active_model": manifest.active_model,
        "models": [
            m.model_dump(mode="json", exclude_none=True) for m in manifest.models
        ],
        "images": [_image_json(image) for image in found.images],
        "problems": problems,
    }


def _image_json(found: ImageOverview) -> dict[str, Any]:
    image, counts = found.image, found.counts
    return {
        "name": found.name,
        "key": found.key,
        "path": str(found.path) if found.path else None,
        "found": found.found,
        "shape": list(image.shape) if image else None,
        "axes": image.axes if image else None,
        "task": image.task if image else None,
        "names": list(image.names) if image else [],
        "last_save": found.saved_at.isoformat() if found.saved_at else None,
        "changes_after": found.changes,
        "verified_share": counts.verified_pixels / counts.pixels if counts else None,
        "objects": _objects(found)[0],
        "verified_objects": _objects(found)[1],
    }


def _objects(found: ImageOverview) -> tuple[int | None, int | None]:
    """Return how many objects there are, and verified ones; other tasks have none."""
    if found.counts is None or found.image is None:
        return None, None
    if not tasks.task_of(found.image).labels.objects:
        return None, None
    return found.counts.objects, found.counts.verified_objects


def _overview_lines(found: Overview) -> Iterator[str]:
    manifest = found.manifest
    active = manifest.active_model
    facts = {
        "project": found.folder.resolve().name,
        "format": str(found.format),
        "open by": found.holder or "nobody",
        "training": f"{manifest.settings.minutes:g} min",
    }
    for model in manifest.models:
        note = model.note or model.built_in or model.folder or ""
        predicts = " (predicts)" if model.number == active else ""
        facts[f"model {model.number}"] = note + predicts
    yield from _fact_lines(facts)
    for image in found.images:
        yield ""
        yield from _fact_lines(_image_facts(image))


def _image_facts(found: ImageOverview) -> dict[str, str]:
    facts = {"image": found.name}
    if found.path is not None:
        facts["path"] = f"{found.path} ({'found' if found.found else 'missing'})"
    if found.image is not None:
        shape = " x ".join(str(n) for n in found.image.shape)
        facts["shape"] = f"{shape} ({found.image.axes})"
        names = f": {', '.join(found.image.names)}" if found.image.names else ""
        facts["task"] = found.image.task + names
        at = found.saved_at
        facts["last save"] = f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at else "none"
    if found.changes:
        facts["since then"] = (
            f"{found.changes} change{'' if found.changes == 1 else 's'}"
        )
    if found.counts is not None:
        share = 100 * found.counts.verified_pixels / found.counts.pixels
        facts["verified"] = f"{share:.1f} %"
        objects, verified = _objects(found)
        if objects is not None:
            facts["objects"] = f"{objects}, {verified} of them verified"
    return facts


def _fact_lines(facts: dict[str, str]) -> Iterator[str]:
    return (plain(f"{name:<11} {text}") for name, text in facts.items())


def _check_lines(found: Report, folder: Path) -> Iterator[str]:
    width = max((len(c.what) for c in found.checks), default=0)
    for each in found.checks:
        mark = {"sound": " ", "note": "-", "problem": "!"}[each.state]
        yield plain(f"{mark} {each.what:<{width}}  {each.words}")
    if found.sound:
        yield plain(f"{folder} is sound.")


def _outcome_json(outcome: RepairResult, place: Path) -> dict[str, Any]:
    return {
        "project": str(place),
        "changed": outcome.changed,
        "images": [
            {
                "name": image.name,
                "state": _state(image),
                "from": image.origin or None,
                "damaged": list(image.damaged),
                "lost": list(image.lost),
            }
            for image in outcome.images
        ],
        "others": list(outcome.others),
        "damaged_files": str(outcome.kept) if outcome.kept else None,
    }


def _outcome_lines(
    outcome: RepairResult, place: Path, *, copied: bool
) -> Iterator[str]:
    for image in outcome.images:
        origin = f" from {image.origin}" if image.origin else ""
        yield plain(f"{image.name}: {_state(image)}{origin}.")
        for words in image.damaged:
            yield plain(f"  {words}")
    yield from map(plain, outcome.others)
    if copied:
        yield plain(f"A sound copy is in {place}.")
    elif not outcome.changed and not any(image.lost for image in outcome.images):
        yield plain(f"{place}: nothing to do.")
    if outcome.kept is not None:
        yield plain(f"The damaged files are kept in {outcome.kept}.")


def _loss(image: Recovery) -> str:
    what = "lost" if image.origin else "nothing came back"
    return f"{image.name}: {what}: {' '.join(image.lost)}"


def _state(image: Recovery) -> str:
    if image.origin:
        return "recovered"
    return "not recovered" if image.lost else "sound"
