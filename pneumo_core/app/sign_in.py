"""Who is at this page, and what they may do.

A page is drawn for somebody (``let_in``), and every change that others would notice asks for the
role where it is made (``require_analyst``): a hidden button stops nobody who talks to the server.
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

_SHORTEST_SECRET = 32


def person() -> Person:
    """Who is signed in in this session; ANYONE where nobody has to.

    Raises AccessError where somebody has to and nobody is, or who is isn't admitted.
    """
    if _auth() is None:
        return ANYONE
    if not st.user.get("is_logged_in"):
        raise AccessError("You are signed out. Sign in again.")
    return admit(st.user.to_dict(), read_roles(_secrets().get("roles")))


def require_analyst(what: str) -> Person:
    """Who may change things here, or AccessError: "Only an analyst may delete runs. ..." """
    who = person()
    if who.role != "analyst":
        raise AccessError(f"Only an analyst may {what}. You are signed in as {who.name}, a reader.")
    return who


def may_change(what: str) -> bool:
    """Whether whoever is here may do that; a reader is told who may, in one sentence."""
    if person().role == "analyst":
        return True
    st.caption(f":material/lock: Only an analyst may {plain(what)}. You are a reader.")
    return False


def is_signed_out() -> bool:
    """Whether this page has nobody to be drawn for."""
    return _auth() is not None and not st.user.get("is_logged_in")


def only_admitted() -> None:
    """The first line of a fragment, which runs without its page: nothing is drawn for nobody."""
    try:
        person()
    except AccessError:
        st.stop()


def open_to_anyone() -> bool:
    """Whether other machines reach this server and it asks nobody who they are."""
    return _auth() is None and listens_beyond(st.get_option("server.address"))


def let_in(research_line: str) -> Person:
    """Who this page is drawn for; without anybody a sign-in screen is all there is of it.

    Raises AccessError for a configuration that can't be used.
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
    """Who is signed in, and the way out. Nothing where nobody has to sign in."""
    if who is not ANYONE:
        st.text(f"{who.name}, {who.role}")  # Markdown would make a link of an address
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
        raise AccessError(f"Signing in is not set up completely. {incomplete}") from incomplete


def _providers(auth: Mapping[str, object]) -> list[str]:
    """The names after ``auth.`` of whom one can sign in with; "" is the one without a name."""
    named = [name for name, given in auth.items() if isinstance(given, Mapping)]
    own = [""] if "client_id" in auth else []
    found = own + [name for name in named if name != "client_kwargs"]
    if not found:
        raise AccessError(
            "[auth] in secrets.toml names no identity provider: set client_id, client_secret and "
            "server_metadata_url, as docs/operations.md shows."
        )
    return found


def _auth() -> Mapping[str, object] | None:
    """The table ``[auth]``, or None where nobody has to sign in.

    Raises AccessError rather than open a server to anyone whose configuration can't be read, has
    roles that nobody can be told, or signs with a secret that can be guessed; or was there before.
    """
    secrets = _secrets()
    auth = secrets.get("auth")
    if auth is None:
        if "roles" in secrets:
            raise AccessError("secrets.toml has [roles] but no [auth]: nobody could sign in.")
        if _asked():
            raise AccessError(
                "People had to sign in here, and [auth] is gone from secrets.toml. Put it back, or "
                "start Pneumo again if anyone may use it."
            )
        return None
    _asked().add("auth")
    if not isinstance(auth, Mapping):
        raise AccessError("[auth] in secrets.toml must be a table, as docs/operations.md shows.")
    if len(str(auth.get("cookie_secret", ""))) < _SHORTEST_SECRET:
        raise AccessError(
            "cookie_secret in [auth] of secrets.toml is missing or can be guessed. Set it to "
            f"{_SHORTEST_SECRET} random characters or more, as docs/operations.md shows."
        )
    return auth


def _secrets() -> Mapping[str, object]:
    if st.secrets.load_if_toml_exists():
        return st.secrets.to_dict()
    if any(Path(each).exists() for each in st.get_option("secrets.files")):
        raise AccessError("secrets.toml can't be read, so nobody is let in. See the server's log.")
    return {}


@cache
def _asked() -> set[str]:
    """Not empty once this process has asked anybody to sign in; a file being edited is no leave."""
    return set()
