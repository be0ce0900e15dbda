"""Images: from bytes to one Radiograph."""

from pneumo_core.imaging.contact_sheet import contact_sheet
from pneumo_core.imaging.inputs import ImageInput
from pneumo_core.imaging.radiograph import (
    MANUFACTURER,
    FileFacts,
    LossyStep,
    Radiograph,
    Window,
    to_input,
)
from pneumo_core.imaging.read import image_size, read_radiograph, read_values
from pneumo_core.imaging.rendering import (
    Scale,
    colour_scale,
    contour_lines,
    display_pixels,
    heat_layer,
    jpeg,
    overlay,
    png,
)
from pneumo_core.imaging.windowing import PixelValues, window_over

__all__ = [
    "MANUFACTURER",
    "FileFacts",
    "ImageInput",
    "LossyStep",
    "PixelValues",
    "Radiograph",
    "Scale",
    "Window",
    "colour_scale",
    "contact_sheet",
    "contour_lines",
    "display_pixels",
    "heat_layer",
    "image_size",
    "jpeg",
    "overlay",
    "png",
    "read_radiograph",
    "read_values",
    "to_input",
    "window_over",
]
