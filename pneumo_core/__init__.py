"""Pneumo: detects pneumonia in chest X-rays and shows why.

Rooms, from the ground up (each imports only what stands above it in this list):

- ``errors``, ``settings``: what can go wrong, what can be configured
- ``data``, ``models``, ``metrics``: films and datasets, architectures, pure functions of numbers
- ``checkpoints``: trained models on disk
- ``engine``, ``runtime``: a network in ONNX Runtime, a checkpoint ready to compute
- ``training``, ``reading``, ``analysis``: learn, read one film, study many films
- ``cli``, ``dashboard``: the command line and the pages

Importing this package imports none of them: ``from pneumo_core.data import read_radiograph``.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
