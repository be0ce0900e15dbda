"""Run as a script: decode the pixels on stdin with GDCM, write them to stdout.

GDCM ends the whole process on some damaged codestreams, where nothing can be caught. So it works
in a process of its own; see `_stored.py`. The array travels in NumPy's format, without pickles. The
arguments: how many bytes of address space the process may have, where the system bounds them, and
in JSON the transfer syntax and how the pixels lie, for pydicom's decoder.
"""

import json
import sys
from contextlib import suppress

import numpy as np
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID


def main() -> None:
    """Decode the first frame; end with an error otherwise."""
    _bound(int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    decoder = get_decoder(UID(options.pop("syntax")))
    data = sys.stdin.buffer.read()
    pixels, _ = decoder.as_array(data, index=0, decoding_plugin="gdcm", **options)
    stored = np.ascontiguousarray(pixels)
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
