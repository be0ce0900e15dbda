"""What a gateway may be told, and what it refuses."""

from pathlib import Path

import pytest

from pneumo_core.errors import PneumoError
from pneumo_core.gate.trained_ages import Ages, trained_ages
from pneumo_core.gateway.config import Config, Destination, ReadingRules, read_config
from pneumo_core.gateway.rules import age_mark, leave_alone, wants
from pneumo_core.imaging import FileFacts


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "gateway.toml").write_text(text)
    return tmp_path / "gateway.toml"


def test_by_default_it_listens_on_loopback_alone() -> None:
    assert Config().dicom.address == Config().http.address == "127.0.0.1"


def test_a_file_is_read(tmp_path: Path) -> None:
    told = read_config(
        written(
            tmp_path,
            '[dicom]\nport = 104\ncalling = ["CR1"]\n'
            '[[destination]]\nname = "pacs"\ndicom = "PACS@10.0.0.2:104"\nresults = ["sc", "sr"]\n',
        )
    )
    assert told.dicom.port == 104
    assert told.wanted == {("sc", True), ("sr", True)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[dicom", "is not TOML"),
        ("[dicom]\nprot = 104", "dicom.prot"),
        ('[dicom]\nport = "x"', "dicom.port"),
        ('[dicom]\naddress = "0.0.0.0"', "any machine could send"),
        ('[http]\naddress = "0.0.0.0"', "any machine could send requests"),
        ('[[destination]]\nname = "a"', "exactly one"),
        ('[[destination]]\nname = "a"\ndicom = "PACS"', "not a DICOM address"),
        (
            '[[source]]\nname = "a"\ndicomweb = "x"\n[[source]]\nname = "a"\ndicomweb = "x"',
            "called 'a'",
        ),
    ],
)
def test_what_makes_no_sense_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(PneumoError, match=sentence):
        read_config(written(tmp_path, text))


def facts(age: float | None = None, view: str | None = None) -> FileFacts:
    return FileFacts("DICOM", 9, 9, 12, False, age_years=age, view_position=view)


@pytest.mark.parametrize(
    ("age", "marked"), [(0.9, True), (1.0, False), (5.99, False), (6.0, True), (None, False)]
)
def test_ages_outside_the_operators_are_marked(age: float | None, marked: bool) -> None:
    rules, ages = ReadingRules(ages=(1, 5)), Ages(1, 5)
    assert ("outside 1 to 5 years" in age_mark(facts(age), rules, ages)) is marked
    assert not leave_alone(facts(age), rules, ages)


def test_ages_outside_the_models_are_left_to_the_image_check() -> None:
    assert age_mark(facts(40), ReadingRules(), Ages(1, 5)) == ""
    assert "this model is for 1 to 5 years" in age_mark(
        facts(None), ReadingRules(unknown_age="mark"), Ages(1, 5)
    )


def test_twelve_months_last_until_the_thirteenth() -> None:
    rules, ages = ReadingRules(outside_ages="leave"), trained_ages("infants of 0 to 12 months")
    assert not leave_alone(facts(1.05), rules, ages)
    assert "outside 0 to 12 months" in leave_alone(facts(1.1), rules, ages)


def test_ages_and_views_can_be_left_alone() -> None:
    rules = ReadingRules(outside_ages="leave", unknown_age="leave", views=("AP", "PA"))
    assert "age" in leave_alone(facts(40, "PA"), rules, Ages(1, 5))
    assert "age" in leave_alone(facts(None, "ap"), rules, Ages(1, 5))
    assert "view" in leave_alone(facts(3, "LL"), rules, Ages(1, 5))
    assert not leave_alone(facts(3, "AP"), rules, Ages(1, 5))


def test_rules_choose_destinations() -> None:
    ward = Destination(name="w", dicom="W@h:1", levels=("likely",), modalities=("DX",))
    assert wants(ward, "DX", "CR1", "likely")
    assert not wants(ward, "DX", "CR1", "unlikely")
    assert not wants(ward, "CR", "CR1", "likely")
    assert not wants(ward, "DX", "CR1", None)
