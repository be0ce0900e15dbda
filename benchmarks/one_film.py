"""One film of original size: from its bytes to its probability and its Grad-CAM.

    python -m benchmarks --only one_film

The peer and Pneumo say the same of the same film. The floor is a bare ONNX Runtime session of the
same network with its own defaults. Every round takes the next film, so that nothing is remembered.
"""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.films import original_films
from benchmarks.peer import Peer
from benchmarks.row import Row, Spread, in_turn
from pneumo_core.imaging import read_radiograph
from pneumo_core.reading import Reader, open_reader

MODELS = ("efficientnet_b0", "cnn_94")


def rows(home: Path, *, quick: bool) -> list[Row]:
    """A whole X-ray, and the forward pass alone, of each model."""
    films = [film.read_bytes() for film in original_films(home)]
    repeats = 8 if quick else 40
    return [row for model in MODELS for row in _of(model, films, repeats)]


def _of(model: str, films: list[bytes], repeats: int) -> list[Row]:
    reader, peer = open_reader(model), Peer(model)
    plain = replace(reader, runtime=replace(reader.runtime, mirror=False))
    plain_peer = Peer(model, mirror=False)
    apart = max(_apart(reader, peer, film) for film in films[:8])
    times = _whole(reader, peer, films, repeats)
    whole = Row(
        name=f"{model}: bytes to probability and Grad-CAM",
        unit="ms",
        ours=times["ours"],
        peer=times["peer"],
        times_peer=4 if model == "efficientnet_b0" else None,
        note=f"of the same pixels PyTorch's probability differs by {apart:.1g} at most",
    )
    found = [whole]
    if reader.runtime.mirror:
        times = _whole(plain, plain_peer, films, repeats)
        name = f"{model}: the same without the mirror image"
        found.append(Row(name=name, unit="ms", ours=times["ours"], peer=times["peer"]))
    return [*found, _forward(model, reader, films, repeats)]


def _apart(reader: Reader, peer: Peer, film: bytes) -> float:
    """How far the peer's network is from ours, both looking at what ours made of the X-ray."""
    pixels = reader._films(read_radiograph(film))
    (theirs,) = peer.probabilities(reader.runtime.members[0].tensor(pixels))
    return abs(theirs - float(reader.runtime.probabilities(pixels)[0]))


def _whole(reader: Reader, peer: Peer, films: list[bytes], repeats: int) -> dict[str, Spread]:
    ours, theirs = itertools.cycle(films), itertools.cycle(films)

    def read() -> None:
        radiograph = read_radiograph(next(ours))
        reader.read(radiograph)
        reader.heat_map(radiograph, 1)

    return in_turn({"ours": read, "peer": lambda: peer.read(next(theirs))}, repeats, scale=1e3)


def _forward(model: str, reader: Reader, films: list[bytes], repeats: int) -> Row:
    """The forward pass alone, of an X-ray that is decoded already."""
    runtime = reader.runtime
    squashed = [reader._films(read_radiograph(film)) for film in films]
    engine = runtime.members[0].engine
    if engine is None:
        raise RuntimeError(f"{model} is not run by ONNX Runtime here: see the log")
    graph = engine._graph if isinstance(engine._graph, bytes) else str(engine._graph)
    bare = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    turns = [itertools.cycle(squashed) for _ in range(2)]

    def views() -> np.ndarray:
        film = next(turns[1])
        return np.concatenate([film, film[:, :, ::-1]]) if runtime.mirror else film

    times = in_turn(
        {
            "ours": lambda: runtime.run(next(turns[0])),
            "floor": lambda: bare.run(["logits"], {"films": views()}),
        },
        repeats,
        scale=1e3,
    )
    return Row(name=f"{model}: forward pass alone", unit="ms", **times, of_floor=1 / 1.3)
