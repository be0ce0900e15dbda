"""Run a Python program with no network: no connection but to this machine, and each try is told.

    python -m tests.faults.offline MODULE ARGUMENTS...

Ends with 77 when the program asked for an address elsewhere, whatever it made of the answer.
"""

import os
import runpy
import socket
import sys

_HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)
asked: list[str] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in _HERE:
        asked.append(f"{event} {host}")
        raise OSError(f"there is no network, and {host} was asked for")


def main() -> None:
    sys.addaudithook(_watch)
    sys.argv = sys.argv[1:]
    code: object = 0
    try:
        if sys.argv[0] == "ask":  # proves that the watch works
            socket.create_connection((sys.argv[1], 80), timeout=5)
        else:
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    except OSError as error:
        print(error, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    if asked:
        print("asked for:", *asked, sep="\n", file=sys.stderr, flush=True)
        code = 77
    os._exit(int(code or 0) if isinstance(code, int | None) else 1)


if __name__ == "__main__":
    main()
