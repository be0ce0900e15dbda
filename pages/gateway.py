"""Gateway: X-rays from the PACS, their results, drift, and calibration for the site."""

from pneumo_core.app import open_page

with open_page("Gateway", wide=True):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.gateway.calibration_view import show_calibration
    from pneumo_core.app.gateway.queue_view import show_gateway
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    show_gateway()
    show_calibration()
    say_what_is_missing()
