"""Rows of tools: those side by side are of one width."""

from __future__ import annotations

from napari_unet.gui.panels.tool_rows import ToolRows


def test_tools_side_by_side_are_of_one_width(qtbot):
    rows = ToolRows(
        lambda tool: tool.needs == "plane" and not tool.in_time,
        print,
        per_row=2,
    )
    qtbot.addWidget(rows)
    rows.resize(360, 200)
    rows.show()
    buttons = {each.text(): each for each in rows.buttons.values()}
    assert {"Copy to next", "Copy to previous"} <= buttons.keys()
    by_row: dict[int, list[int]] = {}
    for each in buttons.values():
        top = each.mapTo(rows, each.rect().topLeft()).y()
        by_row.setdefault(top, []).append(each.width())
    pairs = [widths for widths in by_row.values() if len(widths) == 2]
    assert pairs
    assert all(abs(one - other) <= 1 for one, other in pairs)
