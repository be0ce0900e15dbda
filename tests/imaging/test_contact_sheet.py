"""Many X-rays in one picture: each at its place, those that are missing black."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from pneumo_core.imaging import contact_sheet, display_pixels, read_radiograph


def test_every_x_ray_is_at_its_place(film_folder: Callable[..., Path], tmp_path: Path) -> None:
    films = sorted(film_folder({"test": 2}, side=128).rglob("*.png"))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no X-ray")
    sheet = np.asarray(Image.open(BytesIO(contact_sheet([*films, None, broken], 32))), float)
    assert sheet.shape == (2 * 32, 3 * 32), "six tiles, three in a row"
    for number, film in enumerate(films):
        own = 255 * display_pixels(read_radiograph(film).pixels, 32)
        top, left = number // 3 * 32, number % 3 * 32
        assert np.abs(sheet[top : top + 32, left : left + 32] - own).mean() < 6, "JPEG's loss"
    assert sheet[32:64, 32:].max() < 20
