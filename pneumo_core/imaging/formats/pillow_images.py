"""PNG, JPEG, TIFF, BMP and WebP, by Pillow."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pneumo_core.core.settings import Settings
from pneumo_core.imaging.formats.deep_colour import deep_colour, is_deep_colour
from pneumo_core.imaging.formats.lossy_history import picture_steps
from pneumo_core.imaging.formats.tiff import read_other_tiff, refuse_big_endian_bigtiff, tiff_facts
from pneumo_core.imaging.grey_values import (
    TINTED,
    Grey,
    colour_step,
    divide,
    full_scale,
    sampled_colour,
    stretch,
    tint_of,
)
from pneumo_core.imaging.limits import CountedBytes, refuse_markers, refuse_scans
from pneumo_core.imaging.radiograph import MANUFACTURER, FileFacts
from pneumo_core.imaging.refusal import EXPORT_AGAIN, ONE_PER_FILE, Refusal, refuse_size
from pneumo_core.imaging.signature import jpeg_process

# The plugins themselves instead of Image.open: only these five formats can ever be opened, and
# the one limit on size is ours (Image.open warns above 89 megapixels, whatever the settings say).
_OPEN: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "PNG": PngImagePlugin.PngImageFile,
        "JPEG": JpegImagePlugin.jpeg_factory,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
    }
)
_TRANSPARENT_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_DEEP_MODES = ("I", "F")
_NO_MODE = ("unknown pixel mode", "unknown data organization")
"""Pillow's messages for a TIFF with unsupported samples."""
_OTHER_JPEG = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "a lossless JPEG"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "a hierarchical JPEG"),
    0xF7: "a JPEG-LS picture",
}
"""Kinds of JPEG that Pillow does not decode, by the marker of their frame header."""
_STRIP = 1 << 20
"""Pixels processed in one step."""


def read_picture(data: bytes, kind: str, limits: Settings) -> tuple[Grey, FileFacts]:
    """Return grey float32 (H, W) in [0, 1], upright, and the file's facts.

    8-bit pictures are divided by 255. Wider integers are divided by the smallest 2^k - 1 (k >= 8)
    that holds their maximum, because 12-bit X-rays travel in 16-bit files. Signed integers below 0
    and floats outside [0, 1] are stretched to their full range. Transparency lies over black.

    Raises Refusal, and Pillow's errors on damaged bytes.
    """
    if kind == "JPEG":
        refuse_markers(data)
        _refuse_other_jpeg(data)
    if kind == "TIFF" and _is_beyond_pillow(data):
        return _read_other_tiff(data, limits)
    with _OPEN[kind](CountedBytes(data), "") as image:
        refuse_size(image.width, image.height, limits)
        _refuse_frames(image)
        if kind == "JPEG":
            refuse_scans(data, image.width * image.height)
        bits = _bits(image, data)
        white_is_zero = kind == "TIFF" and image.tag_v2.get(262) == 0
        deep = is_deep_colour(image) and "transparency" not in image.info
        if not deep:
            image.load()
        lossy = picture_steps(image, kind, data)
        software = str(image.info.get("Software", ""))
        if deep:
            grey, colour, tinted = deep_colour(lambda: _OPEN[kind](CountedBytes(data), ""))
        else:
            grey, colour, tinted = _grey(image, white_is_zero)
    return grey, FileFacts(
        format=kind,
        width=grey.shape[1],
        height=grey.shape[0],
        bits=bits,
        colour=colour,
        photometric="WhiteIsZero" if white_is_zero else None,
        warnings=(TINTED,) if tinted else (),
        lossy=lossy,
        from_pneumo=software.startswith(f"{MANUFACTURER} "),
    )


def _grey(image: Image.Image, white_is_zero: bool) -> tuple[Grey, bool, bool]:
    """Return grey of a loaded picture, upright; whether it has colour, and had a tint."""
    ImageOps.exif_transpose(image, in_place=True)  # otherwise it copies even an upright picture
    if image.mode.startswith(_DEEP_MODES):
        return _deep(image, white_is_zero), False, False
    return _shallow(image)


def picture_size(file: BinaryIO, kind: str) -> tuple[int, int]:
    """Return (width, height) from the header. Raises Pillow's errors on damaged bytes."""
    if kind == "TIFF":
        facts = tiff_facts(file)
        return facts.width, facts.height
    with _OPEN[kind](file, "") as image:
        return int(image.width), int(image.height)


def _is_beyond_pillow(data: bytes) -> bool:
    """Return whether Pillow has no mode for this TIFF, or takes signed bytes for unsigned ones, or
    planes of 16 bits for 8. Raises Refusal for a big-endian BigTIFF."""
    refuse_big_endian_bigtiff(data)
    try:
        with _OPEN["TIFF"](CountedBytes(data), "") as image:
            tags = image.tag_v2
            signed = image.mode == "L" and tags.get(339, (1,))[0] == 2
            planes = tags.get(284) == 2 and max(tags.get(258, (1,))) > 8 and tags.get(277, 1) > 1
            return bool(signed or planes)
    except SyntaxError as error:
        return str(error) in _NO_MODE


def _read_other_tiff(data: bytes, limits: Settings) -> tuple[Grey, FileFacts]:
    grey, facts, colour, tinted = read_other_tiff(data, limits)
    height, width = grey.shape
    return grey, FileFacts(
        format="TIFF",
        width=width,
        height=height,
        bits=facts.bits[0],
        colour=colour,
        photometric="WhiteIsZero" if facts.photometric == 0 else None,
        warnings=(TINTED,) if tinted else (),
    )


def _refuse_other_jpeg(data: bytes) -> None:
    """Refuse the kinds of JPEG that Pillow does not decode, by their name."""
    marker, bits = jpeg_process(data) or (0xC0, 8)
    name = _OTHER_JPEG.get(marker)
    if name is None and bits != 8:
        name = f"a JPEG of {bits} bits"
    if name is not None:
        raise Refusal(
            f"it is {name}, which Pneumo can't read as a file of its own",
            "Save it as 16-bit PNG or TIFF, or use the DICOM file",
        )


def _refuse_frames(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # a camera's JPEG with a preview behind it
        raise Refusal(f"it has {frames} frames", ONE_PER_FILE)


def _bits(image: Image.Image, data: bytes) -> int:
    if image.format == "PNG":
        return data[24]  # the bit depth of IHDR
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2.get(258, (1,))[0])
    return 1 if image.mode == "1" else 8


def _strips(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield the picture a few rows at a time, because copies of all of it need too much memory."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _deep(image: Image.Image, white_is_zero: bool) -> Grey:
    """Return grey of more than 8 bits. Pillow inverts WhiteIsZero up to 8 bits only."""
    unsigned = (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.mode == "I"
        and image.tag_v2.get(339, (1,))[0] == 1
    )
    ends = [_ends(_deep_values(strip, unsigned=unsigned)) for _, strip in _strips(image)]
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    stretched = lowest < 0 or (image.mode == "F" and highest > 1)
    full = 1 if image.mode == "F" else full_scale(int(highest))
    grey: Grey = np.empty((image.height, image.width), np.float32)
    for rows, strip in _strips(image):
        values = _deep_values(strip, unsigned=unsigned)
        grey[rows] = values if stretched else divide(values, full)
    if stretched:
        stretch(grey)
    return np.subtract(1, grey, out=grey) if white_is_zero else grey


def _deep_values(image: Image.Image, *, unsigned: bool) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.asarray(image)
    if unsigned:  # Pillow has no mode for them
        return values.view(np.uint32)
    clear = image.info.get("transparency")
    return np.where(values == clear, 0, values) if isinstance(clear, int) else values


def _ends(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the lowest and the highest value. Raises Refusal for NaN and infinity."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Refusal("some of its pixels are not numbers (NaN or infinity)", EXPORT_AGAIN)
    return values.min().item(), values.max().item()


def _shallow(image: Image.Image) -> tuple[Grey, bool, bool]:
    """Return grey of up to 8 bits a channel, whether it has colour, and had a tint."""
    _refuse_short_palette(image)
    grey: Grey = np.empty((image.height, image.width), np.float32)
    step = colour_step(image.height, image.width)
    samples = []
    for rows, strip in _strips(image):
        opaque = _over_black(strip)
        if opaque.mode not in ("1", "L"):
            opaque = _rgb(opaque)
            # copied, or it would keep the whole strip
            samples.append(np.asarray(opaque)[-rows.start % step :: step, ::step].copy())
        grey[rows] = divide(np.asarray(_luminance(opaque)), 255)
    colours = np.concatenate(samples) if samples else None
    if colours is None or not sampled_colour(colours, 255):
        return grey, False, False
    tint = tint_of(colours, 255)
    if tint is None:
        return grey, True, False
    tint.remove_from(grey)
    return grey, False, True


def _refuse_short_palette(image: Image.Image) -> None:
    """Refuse pixels beyond the palette, which Pillow shows black."""
    if image.mode not in ("P", "PA"):
        return
    colours = len(image.getpalette() or ()) // 3
    ends: Any = image.getchannel(0).getextrema()
    if ends[1] >= colours:
        raise Refusal(
            f"its palette has {colours} colours, but its pixels use {ends[1] + 1}", EXPORT_AGAIN
        )


def _luminance(image: Image.Image) -> Image.Image:
    return image if image.mode == "L" else image.convert("L")


def _over_black(image: Image.Image) -> Image.Image:
    if image.mode not in _TRANSPARENT_MODES and "transparency" not in image.info:
        return image
    if image.mode == "La":  # converts to its own straight form only
        image = image.convert("LA")
    layer = image.convert("RGBA")
    canvas = Image.new("RGB", layer.size)
    canvas.paste(layer, mask=layer.getchannel("A"))
    return canvas


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode != "LAB":
        return image.convert("RGB")
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    return converted if converted is not None else image.convert("RGB")
