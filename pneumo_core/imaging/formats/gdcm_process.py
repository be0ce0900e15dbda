"""Decode the pixels on stdin with GDCM and write them to stdout; run as a script.

GDCM crashes on some damaged codestreams, so it runs in a process of its own; see
`dicom_codecs.py`. The array is sent in NumPy's format, without pickles. Arguments: the limits of
address space in bytes and of processor time in seconds, and the options of pydicom's decoder in
JSON.
"""

import json
import sys
from contextlib import suppress

import numpy as np
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID


def main() -> None:
    """Decode the first frame; end with an error otherwise."""
    _bound(int(sys.argv[1]), int(sys.argv[2]))
    options = json.loads(sys.argv[3])
    decoder = get_decoder(UID(options.pop("syntax")))
    data = sys.stdin.buffer.read()
    pixels, _ = decoder.as_array(data, index=0, decoding_plugin="gdcm", **options)
    stored = np.ascontiguousarray(pixels)
    answer = sys.stdout.buffer
    header = np.lib.format.header_data_from_array_1_0(stored)
    np.lib.format.write_array_header_1_0(answer, header)
    answer.write(stored.data)  # np.save would copy it once more


def _bound(memory: int, seconds: int) -> None:
    with suppress(ImportError):  # another system
        import resource

        for limit, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
            with suppress(OSError, ValueError):  # already a lower limit
                resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
