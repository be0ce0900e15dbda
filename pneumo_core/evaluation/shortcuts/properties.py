"""Properties of an X-ray that are unrelated to disease: names, meaning and remedies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LUNG_PROPERTIES", "PROPERTIES", "Property"]


@dataclass(frozen=True)
class Property:
    """A measurement of an X-ray that a model must not rely on.

    ``key``: its column in tables. ``title``: its name on pages; ``noun``: its name inside a
    sentence. ``text`` formats a value. ``means``, ``remedy``: its meaning when it predicts the
    label, and what to do. ``disease``: how it may be related to disease, "" if it can't be.
    """

    key: str
    title: str
    noun: str
    text: Callable[[float], str]
    means: str
    remedy: str
    disease: str = ""


def _percent(value: float) -> str:
    return f"{value:.1%}" if value < 0.0995 else f"{value:.0%}"


def _two_digits(value: float) -> str:
    return f"{value:.2f}"


def _megapixels(value: float) -> str:
    return f"{value / 1e6:.2f} megapixels"


def _decibels(value: float) -> str:
    return f"{value:.1f} dB"


_FRAME = (
    "Frame the network's input by the lungs, and vary the framing during training. Where you can, "
    "get X-rays of both labels from the same machines and years."
)
_RESIZE = (
    "Frame the network's input by the lungs and vary proportions during training, so that the "
    "size of the file can't be seen."
)
_GREY = (
    "Vary brightness, contrast and gamma during training, and ask how the X-rays of each label "
    "were exposed and exported."
)
_EXPORT = (
    "Export every X-ray again in the same way from its original. Compressing the others as badly "
    "hides it less well."
)

_ALL = (
    Property(
        "lung_height",
        "Lung height",
        "lung height",
        _percent,
        "The share of the image's height that the lungs fill: how tightly the image is cropped "
        "around the chest.",
        _FRAME,
        "Overinflated lungs are longer, and a consolidated base can hide the lower edge.",
    ),
    Property(
        "lung_width",
        "Lung width",
        "lung width",
        _percent,
        "The share of the image's width that the lungs fill: how tightly the image is cropped "
        "around the chest.",
        _FRAME,
        "Overinflated lungs are wider, and an effusion can hide the side of one.",
    ),
    Property(
        "lung_centre_down",
        "Lung position, vertical",
        "the lungs' vertical position",
        _percent,
        "How far down the middle of the lungs lies, as a share of the image's height: whether "
        "neck or belly is in the image.",
        _FRAME,
        "A consolidated base can hide the lower edge of the lungs.",
    ),
    Property(
        "lung_centre_across",
        "Lung position, horizontal",
        "the lungs' horizontal position",
        _percent,
        "How far from the left edge the middle of the lungs lies, as a share of the image's "
        "width: how the patient was centred.",
        _FRAME,
        "A lung that is hidden on one side moves the middle.",
    ),
    Property(
        "width_over_height",
        "Width / height",
        "width / height",
        _two_digits,
        "The proportions of the image. Squashed to a square they change the shape of the ribs "
        "and of the heart, which a network sees.",
        _RESIZE,
    ),
    Property(
        "pixels",
        "Number of pixels",
        "the number of pixels",
        _megapixels,
        "The size of the image. It shows the machine or the export, and a network sees it as the "
        "sharpness that is left after resizing.",
        _RESIZE,
    ),
    Property(
        "brightness",
        "Brightness",
        "brightness",
        _percent,
        "The mean grey value, from black to white: exposure, window and the share of background.",
        _GREY,
        "Opacities make an X-ray brighter.",
    ),
    Property(
        "contrast",
        "Contrast",
        "contrast",
        _percent,
        "The span from the 5th to the 95th percentile of the grey values: exposure, window and "
        "background.",
        _GREY,
        "Opacities bring the grey of the lungs nearer to that of the rest.",
    ),
    Property(
        "sharpness",
        "Sharpness",
        "sharpness",
        _decibels,
        "The strength of fine detail against coarse detail at 224 pixels: focus, noise, resizing "
        "and compression.",
        "Vary blur, noise and resolution during training, and resize every X-ray from its "
        "original by the same method.",
        "Fluid and motion blur the fine vessels of the lungs.",
    ),
    Property(
        "detail_direction",
        "Horizontal to vertical detail",
        "the ratio of horizontal to vertical detail",
        _two_digits,
        "How strong edges across the image are against edges down it. Squashing an image to a "
        "square changes it, so it shows the image's original proportions.",
        _RESIZE,
    ),
    Property(
        "black_border",
        "Black border",
        "the black border",
        _percent,
        "The share of the image that is black and touches its edge: collimation, rotation, "
        "padding and air beside the patient.",
        "Crop borders off every X-ray in the same way, or frame the network's input by the lungs.",
    ),
    Property(
        "text_marks",
        "Text and markers",
        "text and markers",
        _percent,
        "The share of the image that small bright marks on a uniform background cover: side "
        "markers, letters, electrodes and clips.",
        "Mask burned-in text and markers, or frame the network's input by the lungs.",
        "Tubes, lines and electrodes are seen more often in severely ill patients.",
    ),
    Property(
        "bytes_per_pixel",
        "Bytes per pixel",
        "the number of bytes per pixel",
        lambda value: f"{value:.3g}",
        "The size of the file for its number of pixels: how strongly it was compressed.",
        _EXPORT,
        "A picture with more fine detail takes more bytes at the same quality.",
    ),
    Property(
        "jpeg_quality",
        "JPEG quality",
        "JPEG quality",
        lambda value: f"{value:.0f}",
        "The quality setting that the JPEG file was saved with, estimated from its tables; 100 "
        "for lossless formats.",
        _EXPORT,
    ),
    Property(
        "colour",
        "Stored in colour",
        "being stored in colour",
        _percent,
        "Whether the file stores three channels (1) or one (0). It shows the export, and leaves "
        "traces where the channels differ.",
        "Convert every X-ray to grey before training.",
    ),
)

PROPERTIES: Mapping[str, Property] = MappingProxyType({each.key: each for each in _ALL})
"""Every property by its key, in the order of tables."""

LUNG_PROPERTIES = ("lung_height", "lung_width", "lung_centre_down", "lung_centre_across")
"""Properties that need a lung finder."""
