"""Roles from a configuration: whom it lets in as what, and what it refuses to guess."""

import tomllib
from pathlib import Path

import pytest

from pneumo_core.audit.roles import Person, Roles, admit, listens_beyond, read_roles
from pneumo_core.errors import AccessError

ROOT = Path(__file__).parents[2]
LISTS = read_roles({"analyst": ["ann@x.org", "*@lab.x.org"], "reader": ["*@x.org"]})


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("ann@x.org", "analyst"),
        ("ANN@X.ORG", "analyst"),
        ("bob@Lab.x.org", "analyst"),
        ("bob@x.org", "reader"),
    ],
)
def test_a_role_is_that_of_the_first_list_that_names_somebody(email: str, role: str) -> None:
    assert admit({"email": email, "email_verified": True}, LISTS) == Person(email, role)


@pytest.mark.parametrize("email", ["bob@y.org", "ann@x.org.evil.net", "", "x.org"])
def test_who_is_in_no_list_is_not_admitted_where_readers_are_listed(email: str) -> None:
    with pytest.raises(AccessError, match="not allowed"):
        admit({"email": email, "sub": "7"}, LISTS)


@pytest.mark.parametrize("verified", [False, "false", "False", 0, "0"])
def test_an_unverified_address_is_nobodys(verified: object) -> None:
    claims = {"email": "ann@x.org", "email_verified": verified, "sub": "7"}
    with pytest.raises(AccessError, match="not verified"):
        admit(claims, LISTS)
    assert admit(claims, read_roles({"analyst": ["*"]})) == Person("7", "reader")


@pytest.mark.parametrize("claims", [{}, {"email_verified": None}, {"email_verified": "true"}])
def test_a_provider_that_does_not_speak_of_verifying_is_believed(claims: dict) -> None:
    assert admit({"email": "ann@x.org"} | claims, LISTS).role == "analyst"


def test_without_a_list_of_readers_whoever_signs_in_reads() -> None:
    assert admit({"email": "bob@y.org"}, read_roles(None)).role == "reader"
    assert admit({"sub": "7"}, read_roles({"analyst": ["ann@x.org"]})) == Person("7", "reader")


def test_an_empty_list_of_readers_admits_no_reader() -> None:
    with pytest.raises(AccessError, match="not allowed"):
        admit({"email": "bob@x.org"}, Roles(("ann@x.org",), ()))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"readers": ["*@x.org"]}, "names 'readers'"),
        ({"analyst": "ann@x.org"}, "list analyst"),
        ({"reader": [1]}, "list reader"),
        ({"reader": [" "]}, "list reader"),
        (["ann@x.org"], "must be a table"),
    ],
)
def test_a_misspelt_configuration_lets_nobody_in(table: object, told: str) -> None:
    with pytest.raises(AccessError, match=told):
        read_roles(table)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "unix:/s"]
)
def test_this_machine_only(address: str) -> None:
    assert not listens_beyond(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.4", "pneumo.x.org"])
def test_other_machines_too(address: str | None) -> None:
    assert listens_beyond(address)


def test_the_server_that_is_shipped_listens_here_and_answers_its_own_pages_only() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]
    assert not listens_beyond(config["address"])
    assert config["enableXsrfProtection"]
    assert config["enableCORS"]
