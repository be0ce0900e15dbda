"""The heat map's outline as a presentation state (GSPS) of the X-ray itself, by highdicom."""

from io import BytesIO
from pathlib import Path

import numpy as np

from pneumo_core.errors import PneumoError
from pneumo_core.imaging import contour_lines
from pneumo_core.reports._body_part import body_part_of, laterality_of
from pneumo_core.reports._source_image import MODEL_SERIAL, source_image
from pneumo_core.reports.result import Overlay, Result
from pneumo_core.reports.words import inside_words

__all__ = ["to_presentation_state"]

_SERIES = 9402
_LEVELS = (0.5, 0.75)
_GRID = 256  # heat is smooth: its lines need no finer one
_AMBER = (79.0, 12.0, 70.0)  # CIELab


def to_presentation_state(result: Result, source: bytes | Path) -> bytes:
    """Return lines at half and three quarters of the strongest heat, as a DICOM file.

    A viewer lays them over the X-ray that was read. The same result of the same X-ray always gets
    the same UIDs.

    Raises:
        PneumoError: there is no heat map or it is empty, or the X-ray is not DICOM, in colour,
            rotated, or has a damaged header.
    """
    from highdicom.pr import GrayscaleSoftcopyPresentationState

    from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom
    from pneumo_core.reports._header import told_as_damaged

    look = result.overlay
    if look is None or not look.heat.found:
        raise PneumoError(f"{result.film} has no heat map whose outline could be drawn.")
    if result.reading.rotated:
        raise PneumoError(
            f"{result.film} was rotated, so an outline would not lie on its own picture."
        )
    with lenient_pydicom():
        image, uids = source_image(result, source, "gsps")
        with told_as_damaged(result):
            state = GrayscaleSoftcopyPresentationState(
                referenced_images=[image],
                series_instance_uid=uids.series,
                series_number=_SERIES,
                sop_instance_uid=uids.instance,
                instance_number=1,
                manufacturer="Pneumo",
                manufacturer_model_name=result.reading.model[:64],
                software_versions=(  # type: ignore[arg-type]  # one is all it declares
                    result.software,
                    result.reading.version or "unknown",
                ),
                device_serial_number=MODEL_SERIAL,
                content_label="PNEUMO",
                content_description=f"Pneumo heat map{_where(look)}, research use only",
                presentation_lut_transformation=_shade(image, result),
                **_lines(look, image),
            )
            _place(state, result)
            if result.deidentified:
                for keyword in ("PatientIdentityRemoved", "DeidentificationMethod"):
                    state[keyword] = image[keyword]
            file = BytesIO()
            state.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _where(look: Overlay) -> str:
    """Return the share inside the lungs in a few words: the description has 64 characters."""
    return ", no lungs found" if look.heat.no_lungs else inside_words(look.heat)


def _shade(image, result: Result):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return which end of the values is white: a presentation state overrides the image's own.

    PS3.4 N.2.1.4: a viewer ignores Photometric Interpretation.
    """
    from highdicom import PresentationLUTTransformation

    white_is_low = (
        str(image.get("PhotometricInterpretation", "")).strip().upper() == "MONOCHROME1"
        or str(image.get("PresentationLUTShape", "")).strip().upper() == "INVERSE"
    )
    inverse = white_is_low != result.reading.inverted
    return PresentationLUTTransformation("INVERSE" if inverse else "IDENTITY")


def _place(state, result: Result) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Return the body part and side: dciodvfy requires a side unless an unpaired part is named."""
    body_part, side = body_part_of(result), laterality_of(result)
    if body_part is not None:
        state.BodyPartExamined = body_part
    if side is not None:
        state.Laterality = side


def _lines(look: Overlay, image):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    from highdicom.color import CIELabColor
    from highdicom.pr import GraphicAnnotation, GraphicLayer, GraphicObject

    heat = look.heat.over((_GRID, _GRID), look.peaks)
    size = np.array([int(image.Columns), int(image.Rows)], dtype=float)
    layer = GraphicLayer("HEATMAP", 1, "Heat map", display_color=CIELabColor(*_AMBER))
    objects = []
    for lines in contour_lines(heat, _LEVELS).values():
        for line in lines:
            # Columns and rows begin at 1 in the middle of a pixel (PS3.3 C.10.5).
            points = np.clip(line * size + 0.5, 0.5, size + 0.5)
            if len(points) > 1:
                objects.append(GraphicObject("POLYLINE", points, "PIXEL"))
    if not objects:
        raise PneumoError("The heat map has no outline that could be drawn.")
    annotation = GraphicAnnotation([image], layer, graphic_objects=objects)
    return {"graphic_annotations": [annotation], "graphic_layers": [layer]}
