"""Somebody who talks to the server itself, past its pages: Streamlit's own protocol, by hand."""

from collections.abc import Iterator

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

__all__ = ["heard"]

_PATIENCE_S = 60


def heard(address: str, page: str, *, origin: str, pressed: tuple[str, ...] = ()) -> bytes:
    """Every message that the server sends who opens a page and presses buttons that it never saw.

    ``origin``: the site that the browser says it comes from. Raises
    websockets.exceptions.InvalidStatus where the server doesn't listen.
    """
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    everything = b""
    with connect(stream, origin=origin, subprotocols=["streamlit"], max_size=None) as socket:
        for message in (_asked(page), *(_asked(page, button) for button in pressed)):
            socket.send(message.SerializeToString())
            everything += b"".join(_until_finished(socket))
    return everything


def _asked(page: str, button: str = "") -> BackMsg:
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = "sample=chest&checkpoint=cnn_94&first=1"
    if button:
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id, widget.trigger_value = button, True
    return message


def _until_finished(socket: ClientConnection) -> Iterator[bytes]:
    finished = False
    while not finished:
        raw = socket.recv(_PATIENCE_S, decode=False)
        yield raw
        message = ForwardMsg()
        message.ParseFromString(raw)
        finished = message.WhichOneof("type") == "script_finished"
