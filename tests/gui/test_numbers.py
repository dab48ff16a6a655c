"""Numbers that people type and paste, wherever they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QLocale, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QDoubleSpinBox, QToolTip

from napari_unet.errors import InputError
from napari_unet.gui.panels.new_model import NewModelDialog
from napari_unet.gui.panels.number_box import NumberBox, may_become_number, read_number
from napari_unet.gui.panels.predict import SizeBox
from napari_unet.models.architectures import ARCHITECTURES

COUNTRIES = sorted(
    {
        each.name()
        for each in QLocale.matchingLocales(
            QLocale.Language.AnyLanguage,
            getattr(QLocale, "Script", QLocale).AnyScript,
            getattr(QLocale, "Country", QLocale).AnyCountry,
        )
    }
)


@pytest.fixture
def country():
    """Return a function that lets the system be of another country."""
    before = QLocale()
    yield lambda name: QLocale.setDefault(QLocale(name))
    QLocale.setDefault(before)


@pytest.mark.parametrize("group", ["", ",", ".", "'", "\u00a0"])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("18.5", 18.5),
        ("18,5", 18.5),
        (" 18.5 ", 18.5),
        ("-18,5", -18.5),
        ("\u221218,5", -18.5),
        (",5", 0.5),
        ("0.125", 0.125),
        ("0,125", 0.125),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1'234.5", 1234.5),
        ("1\u202f234,5", 1234.5),
        ("1.234.567", 1234567),
        ("\u0661\u0668\u066b\u0665", 18.5),
        ("\u06f1\u066c\u06f2\u06f3\u06f4\u066b\u06f5", 1234.5),
    ],
)
def test_what_has_one_meaning_is_read_everywhere(text, number, group):
    assert read_number(text, group=group) == number


@pytest.mark.parametrize(
    "text",
    ["", "-", ",", "1,2,3", "1.2.3", "1,23.4", "18 5", "1.234,567,8", "a", "--1"],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(InputError, match="no number"):
        read_number(text)


@pytest.mark.parametrize(
    ("text", "decimals", "group"),
    [("1,234", 4, ","), ("1.234", 4, "."), ("1.234", 2, ","), ("12,500", 0, "")],
)
def test_what_has_two_meanings_is_refused_with_both(text, decimals, group):
    with pytest.raises(InputError, match="two ways: type") as refused:
        read_number(text, decimals=decimals, group=group)
    for each in str(refused.value).rstrip(".").split("type ")[1].split(" or "):
        assert read_number(each, decimals=decimals, group=group) > 0


@given(
    name=st.sampled_from(COUNTRIES),
    thousandths=st.integers(-(10**10), 10**10),
    shown=st.integers(0, 3),
    decimals=st.sampled_from((0, 1, 2, 4)),
    grouped=st.booleans(),
)
def test_a_number_of_any_country_is_right_or_refused(
    name, thousandths, shown, decimals, grouped
):
    locale = QLocale(name)
    option = QLocale.NumberOption.OmitGroupSeparator
    locale.setNumberOptions(
        QLocale.NumberOption.DefaultNumberOptions if grouped else option
    )
    number = round(thousandths / 1000, shown)
    text = str(locale.toString(number, "f", shown))
    try:
        read = read_number(text, decimals=decimals, group=str(locale.groupSeparator()))
    except InputError:
        # Not often: a plain number without groups is read wherever it has a meaning.
        assert grouped or shown == 3
    else:
        assert read == pytest.approx(number, abs=1e-9)
        assert may_become_number(text)


@given(st.text(max_size=12), st.integers(0, 5), st.sampled_from("., '"))
def test_any_text_is_read_or_refused(text, decimals, group):
    try:
        number = read_number(text, decimals=decimals, group=group)
    except InputError:
        return
    assert isinstance(number, float)


def type_into(box, text):
    edit = box.lineEdit()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    "later", ["en_US", "de_DE", "fr_FR", "de_CH", "ar_EG", "fa_IR"]
)
def test_a_box_reads_points_and_commas_whenever_the_system_changes(
    qtbot, country, later
):
    country("de_DE")
    box = NumberBox()
    qtbot.addWidget(box)
    box.setRange(0, 10_000)
    box.setSuffix(" px")
    box.show()
    country(later)
    for text in ("18.5", "18,5", "18.50 px"):
        box.setValue(3)
        type_into(box, text) if "px" not in text else paste_into(box, text)
        assert box.value() == 18.5
        assert box.text() == "18.50 px"
    for text in ("1.234,5", "1,234.5"):
        box.setValue(3)
        paste_into(box, text)
        assert box.value() == 1234.5


def paste_into(box, text):
    QApplication.clipboard().setText(text)
    edit = box.lineEdit()
    edit.selectAll()
    edit.paste()
    QTest.keyClick(edit, Qt.Key.Key_Return)


def test_what_a_box_refuses_is_seen_and_said(qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(
        QToolTip, "showText", lambda _place, text, *_: said.append(text)
    )
    box = NumberBox()
    qtbot.addWidget(box)
    box.setRange(0, 100)
    box.setValue(3)
    box.show()
    edit = box.lineEdit()
    edit.selectAll()
    QTest.keyClicks(edit, "1.234")
    assert box.property("valid") == "false"
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert (box.value(), box.text()) == (3, "3.00")
    assert box.property("valid") == "true"
    assert "two ways" in said[-1]
    type_into(box, "200")
    assert box.value() == 3
    assert said[-1] == "200 is not possible here: type 0.00 to 100.00."


def test_steps_of_a_size_never_end_where_there_is_no_size(qtbot):
    box = SizeBox()
    qtbot.addWidget(box)
    box.setValue(1.3)
    sizes = []
    box.valueChanged.connect(sizes.append)
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert sizes == [0]


def test_what_is_being_typed_is_left_alone_until_it_is_given_up(qtbot):
    box = SizeBox()
    qtbot.addWidget(box)
    box.show()
    box.show_number(12)
    edit = box.lineEdit()
    edit.selectAll()
    QTest.keyClicks(edit, "9")
    box.show_number(12)
    assert box.text() == "9 px"
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    assert (box.value(), box.text()) == (12, "12 px")
    type_into(box, "0.2")
    assert box.value() == 12, "no object is that small"
    type_into(box, "1,5")
    assert (box.value(), box.text()) == (1.5, "1.5 px")


@pytest.mark.parametrize("name", ["unet", "original"])
def test_every_box_of_the_dialog_is_one_of_ours(qtbot, name):
    dialog = NewModelDialog()
    qtbot.addWidget(dialog)
    kind = dialog.network.kind
    kind.setCurrentIndex(kind.findText(name))
    boxes = dialog.findChildren(QAbstractSpinBox)
    assert len(boxes) > 3
    assert all(isinstance(box, NumberBox) for box in boxes)
    assert ARCHITECTURES[name] == dialog.request.network.architecture


def test_no_other_boxes_are_made(qtbot):
    from pathlib import Path

    import napari_unet.gui

    makers = [
        path.name
        for path in Path(napari_unet.gui.__file__).parent.rglob("*.py")
        if any(
            word in path.read_text()
            for word in ("QSpinBox", QDoubleSpinBox.__name__, "QLabeledDoubleSlider")
        )
    ]
    assert makers == ["number_box.py"]


@pytest.mark.parametrize(
    ("text", "number"), [("1e3", 1000), ("1.5e3", 1500), ("1,5E-2", 0.015)]
)
def test_powers_of_ten_are_read(text: str, number: float) -> None:
    assert read_number(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["1e", "1e+"])
def test_a_power_of_ten_that_is_not_finished_may_become_one(text: str) -> None:
    assert may_become_number(text)
    with pytest.raises(InputError, match="is no number"):
        read_number(text)
