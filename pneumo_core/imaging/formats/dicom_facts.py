"""Facts about an X-ray from the header of its DICOM file."""

import re

from pneumo_core.imaging.formats.dicom_elements import Elements
from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel
from pneumo_core.imaging.radiograph import FileFacts, Window

__all__ = ["facts_of"]

_UNITS_A_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
OLDEST_YEARS = 130
"""Years; some files write 999Y for an unknown age."""
_VIEWS = {
    **dict.fromkeys(("399348003", "R-10206"), "AP"),
    **dict.fromkeys(("272479007", "R-10214"), "PA"),
    **dict.fromkeys(("399173006", "R-10236"), "LL"),
    **dict.fromkeys(("399198007", "R-10232"), "RL"),
    **dict.fromkeys(("399067008", "R-102CD"), "LATERAL"),
}
"""Codes of SNOMED and of its older form in DICOM (PS3.16 CID 4010)."""
_CHESTS = ("51185008", "43799004", "816094009", "T-D3000")
"""Codes of the chest and the thorax, of SNOMED CT and its older form (PS3.16 CID 4031)."""
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_MODALITIES = {
    **dict.fromkeys((f"{_STORAGE}2", f"{_STORAGE}2.1", f"{_STORAGE}2.2"), "CT"),
    **dict.fromkeys((f"{_STORAGE}4", f"{_STORAGE}4.1", f"{_STORAGE}4.3"), "MR"),
    **dict.fromkeys((f"{_STORAGE}6.1", f"{_STORAGE}6.2", f"{_STORAGE}3.1"), "US"),
    **dict.fromkeys((f"{_STORAGE}1.2", f"{_STORAGE}1.2.1", f"{_STORAGE}13.1.3"), "MG"),
    **dict.fromkeys((f"{_STORAGE}128", f"{_STORAGE}130"), "PT"),
    f"{_STORAGE}20": "NM",
    f"{_STORAGE}1.3": "IO",
}
"""Modality of storage classes that hold no chest X-ray, where the file does not give its own."""
_UNPROCESSED = (
    "The file has unprocessed data of the detector (Presentation Intent Type FOR PROCESSING), "
    "not an image for reading, so the result is less reliable."
)


def facts_of(
    elements: Elements,
    image: ImagePixel,
    syntax: str | None,
    *,
    windows: tuple[Window, ...],
    colour: bool,
) -> FileFacts:
    """Return the X-ray's facts, with every warning about its elements so far."""
    if (elements.text("PresentationIntentType") or "").upper() == "FOR PROCESSING":
        elements.warn(_UNPROCESSED)
    told = elements.text("PhotometricInterpretation")
    return FileFacts(
        format="DICOM",
        width=image.columns,
        height=image.rows,
        bits=image.stored,
        colour=colour,
        photometric=image.photometric if told else None,
        modality=elements.text("Modality") or _MODALITIES.get(_sop_class(elements)),
        body_part=elements.text("BodyPartExamined") or _coded_region(elements),
        view_position=elements.text("ViewPosition") or _coded_view(elements),
        age_years=_age_years(elements.text("PatientAge")),
        pixel_spacing_mm=_spacing(elements),
        transfer_syntax=syntax,
        windows=windows,
        orientation=_orientation(elements),
        burned_in_text={"YES": True, "NO": False}.get(_upper(elements, "BurnedInAnnotation")),
        warnings=tuple(elements.warnings),
        laterality=_laterality(elements),
    )


def _sop_class(elements: Elements) -> str:
    return (elements.text("SOPClassUID") or "").rstrip("\0 ")


def _coded_view(elements: Elements) -> str | None:
    """Return the View Code Sequence's view as a View Position if there is one, else its meaning."""
    for item in elements.items("ViewCodeSequence")[:1]:
        return _VIEWS.get(item.text("CodeValue") or "") or item.text("CodeMeaning")
    return None


def _coded_region(elements: Elements) -> str | None:
    """Return the Anatomic Region Sequence's meaning; DX has it instead of Body Part Examined."""
    for item in elements.items("AnatomicRegionSequence")[:1]:
        return "CHEST" if item.text("CodeValue") in _CHESTS else item.text("CodeMeaning")
    return None


def _upper(elements: Elements, keyword: str) -> str:
    return (elements.text(keyword) or "").upper()


def _laterality(elements: Elements) -> str | None:
    """Return "L" or "R", of the series or the image; None if they disagree."""
    keywords = ("Laterality", "ImageLaterality", "FrameLaterality")
    told = {_upper(elements, keyword) for keyword in keywords} & {"L", "R"}
    return told.pop() if len(told) == 1 else None


def _age_years(age: str | None) -> float | None:
    match = re.fullmatch(r"(\d{1,3})([DWMY])", (age or "").upper())
    years = int(match[1]) / _UNITS_A_YEAR[match[2]] if match else None
    return years if years is not None and years <= OLDEST_YEARS else None


def _spacing(elements: Elements) -> tuple[float, float] | None:
    return elements.positive_pair("PixelSpacing") or elements.positive_pair("ImagerPixelSpacing")


def _orientation(elements: Elements) -> tuple[str, str] | None:
    parts = [each.strip() for each in (elements.text("PatientOrientation") or "").split("\\")]
    known = len(parts) == 2 and all(re.fullmatch(r"[APRLHF]{1,3}", each) for each in parts)
    return (parts[0], parts[1]) if known else None
