"""Read and explain one X-ray in one call."""

from collections.abc import Hashable
from threading import Lock

from cachetools import LRUCache, cached

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.core.labels import LABELS, PNEUMONIA
from pneumo_core.core.progress import Progress
from pneumo_core.errors import UnknownName
from pneumo_core.explanations import HeatMap
from pneumo_core.imaging import ImageInput, Radiograph, read_radiograph
from pneumo_core.reading.reader import Reader, Reading, open_reader

__all__ = ["explain", "load_reader", "read"]


def load_reader(
    model: str | Checkpoint | None = None,
    operating_point: str | None = None,
    *,
    image_check: bool = True,
) -> Reader:
    """Load a model that reads X-rays. It may be shared between threads.

    Args:
        model: name of a model, or a Checkpoint; None for the default.
        operating_point: "balanced" or "screening"; None for the model's first.
        image_check: whether images that can't be a frontal chest X-ray are refused.

    Returns:
        A reader with ``read``, ``read_files`` and ``heat_map``.

    Raises:
        UnknownName: no model or operating point has this name.
        CheckpointError: the model is damaged.
    """
    return open_reader(model, operating_point, gate=image_check)


def read(
    image: ImageInput | Radiograph,
    *,
    model: str | Checkpoint | None = None,
    operating_point: str | None = None,
) -> Reading:
    """Read one chest X-ray.

    Args:
        image: a path, the bytes of a file, an open binary file, a Pillow image, a Radiograph, or
            an array (H, W) or (H, W, 3): uint8, uint16, or floats in [0, 1]. Files may be DICOM,
            PNG, JPEG, TIFF, BMP or WebP.
        model: name of a model, or a Checkpoint; None for the default.
        operating_point: "balanced" or "screening"; None for the model's first.

    Returns:
        The result. ``status`` is "read", "refused" (no frontal chest X-ray) or "failed" (no
        readable file), with ``reasons``. Where it was read, ``probability`` of pneumonia is in
        [0, 1] and ``predicted`` is 0 or 1.

    Raises:
        UnknownName: no model or operating point has this name.
        CheckpointError: the model is damaged.
        TypeError: ``image`` is none of the above.

    Examples:
        >>> import pneumo_core as pn
        >>> result = pn.read("chest.png")  # doctest: +SKIP
        >>> result.probability, result.verdict  # doctest: +SKIP
        (0.981, 'Signs of pneumonia likely')
    """
    return _reader(model, operating_point).read(image)


def explain(
    image: ImageInput | Radiograph,
    *,
    model: str | Checkpoint | None = None,
    label: int | str = PNEUMONIA,
    method: str = "grad_cam",
    layer: str | None = None,
    progress: Progress | None = None,
) -> HeatMap:
    """Return where a model finds evidence for a label in an X-ray.

    Args:
        image: as in ``read``.
        model: name of a model, or a Checkpoint; None for the default.
        label: 1 or "PNEUMONIA", 0 or "NORMAL".
        method: "grad_cam", "layer_cam", "activation", "occlusion" or "integrated_gradients".
        layer: name of a convolution or block; None for the method's default.
        progress: is called with the number of passes through a network and their total.

    Returns:
        The heat map. ``over((H, W))`` lays it over the X-ray, float32 in [0, 1];
        ``inside_lungs`` is the share of it inside the lungs, None where no lungs were found.

    Raises:
        UnknownName: no model, method, layer or label has this name.
        UnreadableImage: ``image`` can't be decoded.
        CheckpointError: the model is damaged.
    """
    radiograph = image if isinstance(image, Radiograph) else read_radiograph(image)
    reader = _reader(model, None)
    seen = reader.read(radiograph).as_read(radiograph)
    return reader.heat_map(seen, _label(label), method=method, layer=layer, progress=progress)


def _label(label: int | str) -> int:
    if label in range(len(LABELS)):
        return int(label)
    if label in LABELS:
        return LABELS.index(str(label))
    raise UnknownName("label", str(label), LABELS)


def _reader(model: str | Checkpoint | None, operating_point: str | None) -> Reader:
    return _open_once(load_checkpoint(model), operating_point)


def _key(checkpoint: Checkpoint, operating_point: str | None) -> Hashable:
    return checkpoint.folder, checkpoint.card.version, operating_point


@cached(LRUCache(maxsize=4), key=_key, lock=Lock())
def _open_once(checkpoint: Checkpoint, operating_point: str | None) -> Reader:
    """Open a reader once for each version of a checkpoint: one that was replaced is another."""
    return open_reader(checkpoint, operating_point)
