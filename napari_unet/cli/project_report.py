"""What `napari-unet project` says of a project: `info`, `verify` and `recover`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer

from napari_unet.cli.console import (
    EXIT_MISTAKE,
    plain,
    print_json,
    print_result,
    say,
)
from napari_unet.project.rescue.overview import ImageOverview, Overview, look_into
from napari_unet.project.rescue.repair import needs_repair, recover_copy, recover_here
from napari_unet.project.rescue.repairer import Recovery, RepairResult
from napari_unet.project.rescue.survey import NearImages, survey
from napari_unet.project.rescue.verify import verify
from napari_unet.project.stored import count
from napari_unet.tasks import task_of


def report_info(folder: Path, *, as_json: bool) -> None:
    """Say what a project holds."""
    found = look_into(folder)
    problems = [*found.problems]
    problems += [f"{i.name}: {words}" for i in found.images for words in i.problems]
    if as_json:
        print_json(_overview_json(found, problems))
    else:
        _print_overview(found)
    if problems:
        end_with([*problems, _recover_hint(folder)])


def report_verify(folder: Path, *, as_json: bool) -> None:
    """Say whether a project is sound."""
    report = verify(folder)
    if as_json:
        rows = [
            {"what": c.what, "state": c.state, "words": c.words} for c in report.checks
        ]
        print_json({"sound": report.sound, "checks": rows})
    else:
        width = max((len(c.what) for c in report.checks), default=0)
        for each in report.checks:
            mark = {"sound": " ", "note": "-", "problem": "!"}[each.state]
            print_result(plain(f"{mark} {each.what:<{width}}  {each.words}"))
        if report.sound:
            print_result(plain(f"{folder} is sound."))
    if not report.sound:
        number = f"{len(report.problems)} of {len(report.checks)} checks found"
        hint = "What is in the project itself is sound."
        if needs_repair(survey(folder)):
            hint = _recover_hint(folder)
        end_with([f"{folder}: {number} something damaged or missing. {hint}"])


def report_recover(
    folder: Path, out: Path | None, near: NearImages, *, as_json: bool
) -> None:
    """Recover a project, and say what came back."""
    if out is None:
        outcome = recover_here(folder, near)
    else:
        outcome = recover_copy(folder, out, near)
    if as_json:
        print_json(_outcome_json(outcome, out or folder))
    else:
        _print_outcome(outcome, out or folder, copied=out is not None)
    if lost := [_loss(image) for image in outcome.images if image.lost]:
        end_with(lost)


def end_with(problems: list[str]) -> None:
    """Print problems and end with the exit code of a mistake."""
    for problem in problems:
        say(plain(problem))
    raise typer.Exit(EXIT_MISTAKE)


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
    if not task_of(found.image).labels.objects:
        return None, None
    return found.counts.objects, found.counts.verified_objects


def _print_overview(found: Overview) -> None:
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
    _print_facts(facts)
    for image in found.images:
        print_result()
        _print_facts(_image_facts(image))


def _image_facts(found: ImageOverview) -> dict[str, str]:
    facts = {"image": found.name}
    if found.path is not None:
        facts["path"] = f"{found.path} ({'found' if found.found else 'missing'})"
    if found.image is not None:
        shape = " x ".join(str(n) for n in found.image.shape)
        facts["shape"] = f"{shape} ({found.image.axes})"
        names = f": {', '.join(found.image.names)}" if found.image.names else ""
        facts["task"] = found.image.task + names
        saved = found.saved_at
        when = f"{saved.astimezone():%Y-%m-%d %H:%M:%S}" if saved else "none"
        facts["last save"] = when
    if found.changes:
        facts["since then"] = count(found.changes, "change")
    if found.counts is not None:
        share = 100 * found.counts.verified_pixels / found.counts.pixels
        facts["verified"] = f"{share:.1f} %"
        objects, verified = _objects(found)
        if objects is not None:
            facts["objects"] = f"{objects}, {verified} of them verified"
    return facts


def _print_facts(facts: dict[str, str]) -> None:
    for name, text in facts.items():
        print_result(plain(f"{name:<11} {text}"))


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


def _print_outcome(outcome: RepairResult, place: Path, *, copied: bool) -> None:
    for image in outcome.images:
        origin = f" from {image.origin}" if image.origin else ""
        print_result(plain(f"{image.name}: {_state(image)}{origin}."))
        for words in image.damaged:
            print_result(plain(f"  {words}"))
    for words in outcome.others:
        print_result(plain(words))
    if copied:
        print_result(plain(f"A sound copy is in {place}."))
    elif not outcome.changed and not any(image.lost for image in outcome.images):
        print_result(plain(f"{place}: nothing to do."))
    if outcome.kept is not None:
        print_result(plain(f"The damaged files are kept in {outcome.kept}."))


def _loss(image: Recovery) -> str:
    what = "lost" if image.origin else "nothing came back"
    return f"{image.name}: {what}: {' '.join(image.lost)}"


def _state(image: Recovery) -> str:
    if image.origin:
        return "recovered"
    return "not recovered" if image.lost else "sound"
