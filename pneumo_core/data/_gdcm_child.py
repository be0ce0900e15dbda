"""Run as a script: decode the DICOM file on stdin with GDCM, write its stored values to stdout.

GDCM ends the whole process on some damaged codestreams, where nothing can be caught. So it works
in a process of its own; see `_stored.py`. The array travels in NumPy's format, without pickles. The
argument says how many bytes of address space the process may have, where the system bounds them.
"""

import sys
from contextlib import suppress
from io import BytesIO

import numpy as np
from pydicom.pixels.utils import pixel_array


def main() -> None:
    """Decode the first frame; end with an error otherwise."""
    _bound(int(sys.argv[1]))
    film = BytesIO(sys.stdin.buffer.read())
    stored = np.ascontiguousarray(pixel_array(film, index=0, decoding_plugin="gdcm"))
    answer = sys.stdout.buffer
    header = np.lib.format.header_data_from_array_1_0(stored)
    np.lib.format.write_array_header_1_0(answer, header)
    answer.write(stored.data)  # np.save would copy it once more for a pipe


def _bound(memory: int) -> None:
    with suppress(ImportError, OSError, ValueError):  # other systems; a lower bound already
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    main()
