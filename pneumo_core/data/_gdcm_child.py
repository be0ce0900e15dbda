"""Run as a script: decode the DICOM file on stdin with GDCM, write its stored values to stdout.

GDCM ends the whole process on some damaged codestreams, where nothing can be caught. So it works
in a process of its own; see `_dicom.py`. The array travels in NumPy's format, without pickles.
"""

import sys
from io import BytesIO

import numpy as np
from pydicom.pixels.utils import pixel_array


def main() -> None:
    """Decode the first frame; end with an error otherwise."""
    film = BytesIO(sys.stdin.buffer.read())
    stored = pixel_array(film, index=0, decoding_plugin="gdcm")
    answer = BytesIO()
    np.save(answer, stored, allow_pickle=False)
    sys.stdout.buffer.write(answer.getvalue())


if __name__ == "__main__":
    main()
