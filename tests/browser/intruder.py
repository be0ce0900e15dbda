"""Somebody who talks to the server itself, past its pages: Streamlit's own protocol, by hand."""

import asyncio

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

__all__ = ["heard"]

_PATIENCE_S = 60


def heard(address: str, page: str, *, origin: str, pressed: tuple[str, ...] = ()) -> bytes:
    """Every message that the server sends who opens a page and presses buttons that it never saw.

    ``origin``: the site that the browser says it comes from. Raises
    websockets.exceptions.InvalidStatus where the server doesn't listen.
    """
    return asyncio.run(_heard(address, page, origin, pressed))


async def _heard(address: str, page: str, origin: str, pressed: tuple[str, ...]) -> bytes:
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    sent = [_asked(page), *(_asked(page, button) for button in pressed)]
    everything = b""
    async with websockets.connect(
        stream, origin=origin, subprotocols=["streamlit"], max_size=None
    ) as socket:
        for message in sent:
            await socket.send(message.SerializeToString())
            everything += await asyncio.wait_for(_until_finished(socket), _PATIENCE_S)
    return everything


def _asked(page: str, button: str = "") -> BackMsg:
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = "sample=chest&checkpoint=cnn_94&first=1"
    if button:
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id, widget.trigger_value = button, True
    return message


async def _until_finished(socket: websockets.ClientConnection) -> bytes:
    everything = b""
    while True:
        raw = await socket.recv(decode=False)
        everything += raw
        message = ForwardMsg()
        message.ParseFromString(raw)
        if message.WhichOneof("type") == "script_finished":
            return everything
