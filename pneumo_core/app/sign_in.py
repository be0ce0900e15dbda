"""Sign-in and roles on the pages.

A page is drawn for a person (``let_in``), and every change that affects others checks the role on
the server (``require_analyst``): hiding a button would not stop a forged request.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError

from pneumo_core.app.words import plain
from pneumo_core.audit.roles import ANYONE, Person, admit, listens_beyond, read_roles
from pneumo_core.errors import AccessError

__all__ = [
    "is_signed_out",
    "let_in",
    "may_change",
    "only_admitted",
    "open_to_anyone",
    "person",
    "require_analyst",
    "show_person",
]

_SHOWN = "'Running Pneumo for several users' in the documentation"
_SHORTEST_SECRET = 32


def person() -> Person:
    """Return who is signed in; ANYONE if sign-in is not required.

    Raises AccessError if sign-in is required and the visitor is not signed in or not allowed.
    """
    if _auth() is None:
        return ANYONE
    if not st.user.get("is_logged_in"):
        raise AccessError("You are signed out. Sign in again.")
    return admit(st.user.to_dict(), read_roles(_secrets().get("roles")))


def require_analyst(what: str) -> Person:
    """Return the analyst who is signed in. Raises AccessError for anyone else."""
    who = person()
    if who.role != "analyst":
        raise AccessError(f"Only an analyst may {what}. You are signed in as {who.name}, a reader.")
    return who


def may_change(what: str) -> bool:
    """Return whether the visitor is an analyst; show a reader who may do it."""
    if person().role == "analyst":
        return True
    st.caption(f":material/lock: Only an analyst may {plain(what)}. You are a reader.")
    return False


def is_signed_out() -> bool:
    """Return whether the visitor still has to sign in."""
    return _auth() is not None and not st.user.get("is_logged_in")


def only_admitted() -> None:
    """Stop unless the visitor is signed in. Call it first in every fragment."""
    try:
        person()
    except AccessError:
        st.stop()


def open_to_anyone() -> bool:
    """Return whether other machines can reach this server without signing in."""
    return _auth() is None and listens_beyond(st.get_option("server.address"))


def let_in(research_line: str) -> Person:
    """Return the person the page is drawn for; otherwise show the sign-in screen and stop.

    Raises AccessError if the configuration is invalid.
    """
    auth = _auth()
    if auth is not None and is_signed_out():
        _sign_in_screen(auth, research_line)
        st.stop()
    try:
        return person()
    except AccessError as refused:
        st.title("Pneumo", anchor=False)
        st.caption(research_line)
        st.error(plain(str(refused)), icon=":material/lock:")
        _sign_out_button()
        st.stop()


def show_person(who: Person) -> None:
    """Show who is signed in and a Sign out button, if sign-in is required."""
    if who is not ANYONE:
        st.text(f"{who.name}, {who.role}")  # Markdown would turn an address into a link
        _sign_out_button()


def _sign_out_button() -> None:
    st.button("Sign out", icon=":material/logout:", on_click=st.logout, key="sign out")


def _sign_in_screen(auth: Mapping[str, object], research_line: str) -> None:
    with st.container(key="sign-in", horizontal_alignment="center"):
        st.title("Pneumo", anchor=False, width="content")
        for provider in _providers(auth):
            named = f"Sign in with {provider.capitalize()}" if provider else "Sign in"
            if st.button(named, type="primary", icon=":material/login:", width=280):
                _go_and_sign_in(provider)
        st.caption(research_line, width="content")


def _go_and_sign_in(provider: str) -> None:
    try:
        st.login(provider or None)
    except StreamlitAuthError as incomplete:
        raise AccessError(f"The sign-in configuration is incomplete. {incomplete}") from incomplete


def _providers(auth: Mapping[str, object]) -> list[str]:
    """Return the identity providers (the names after ``auth.``); "" is the unnamed one."""
    named = [name for name, given in auth.items() if isinstance(given, Mapping)]
    own = [""] if "client_id" in auth else []
    found = own + [name for name in named if name != "client_kwargs"]
    if not found:
        raise AccessError(
            "[auth] in secrets.toml names no identity provider: set client_id, client_secret and "
            f"server_metadata_url, as {_SHOWN} shows."
        )
    return found


def _auth() -> Mapping[str, object] | None:
    """Return the table ``[auth]``; None if sign-in is not required.

    Raises AccessError if the configuration cannot be read, defines [roles] without [auth], uses a
    weak cookie secret, or removes [auth] while running.
    """
    secrets = _secrets()
    auth = secrets.get("auth")
    if auth is None:
        if "roles" in secrets:
            raise AccessError(
                "secrets.toml has [roles] but no [auth], so nobody can sign in. Add [auth]."
            )
        if _asked():
            raise AccessError(
                "Sign-in was required, but [auth] is gone from secrets.toml. Put it back, or "
                "restart Pneumo if anyone may use it."
            )
        return None
    _asked().add("auth")
    if not isinstance(auth, Mapping):
        raise AccessError(f"[auth] in secrets.toml must be a table, as {_SHOWN} shows.")
    if len(str(auth.get("cookie_secret", ""))) < _SHORTEST_SECRET:
        raise AccessError(
            "cookie_secret in [auth] of secrets.toml is missing or can be guessed. Set it to "
            f"{_SHORTEST_SECRET} random characters or more, as {_SHOWN} shows."
        )
    return auth


def _secrets() -> Mapping[str, object]:
    if st.secrets.load_if_toml_exists():
        return st.secrets.to_dict()
    if any(Path(each).exists() for each in st.get_option("secrets.files")):
        raise AccessError(
            "secrets.toml cannot be read, so nobody can sign in. See the server's log."
        )
    return {}


@cache
def _asked() -> set[str]:
    """Not empty once this process required sign-in; editing the file must not turn it off."""
    return set()
