"""Gateway: what arrived from the PACS, its results, and what waits."""

from pneumo_core.app import open_page

with open_page("Gateway", wide=True):
    # These take a while at the first visit: by now the frame is on the screen.
    from pneumo_core.app.gateway.queue_view import show_gateway
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    show_gateway()
    say_what_is_missing()
