"""Who may knock, from where, with how much; what every answer carries."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from app.guard import HEADERS, name_in
from schema.settings import Settings

#: What gunicorn says of a body without a length.
CHUNKED = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    ("host", "welcome"),
    [
        ("localhost", True),
        ("LOCALHOST:54321", True),
        ("127.0.0.1:1", True),
        ("[::1]:54321", True),
        ("localhost.", True),
        ("hub.lan:54321", True),
        ("127.0.0.1.rebound.example", False),
        ("localhost.rebound.example", False),
        ("rebound.example:54321", False),
        ("0.0.0.0:54321", False),
        ("", False),
        ("@localhost", False),
    ],
)
def test_hosts(host: str, welcome: bool, environment: dict[str, str], idle: object) -> None:
    from app.main import create_app

    client = create_app(Settings.read({**environment, "UV_HOSTS": "Hub.lan, other.lan"})).test_client()
    response = client.get("/healthz", environ_overrides={"HTTP_HOST": host})
    assert response.status_code == (200 if welcome else 403)


def test_a_host_without_a_name() -> None:
    assert [name_in(host) for host in ("", ":80", "[", "[]:80")] == ["", "", "", ""]


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"Origin": "http://localhost:54321"}, False),
        ({"Origin": "https://localhost:54321"}, False),
        ({"Origin": "http://localhost:5555"}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://127.0.0.1:54321"}, True),
        ({"Origin": "http://elsewhere.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": ""}, True),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "http://localhost:54321", "Sec-Fetch-Site": "cross-site"}, True),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_origins_of_unsafe_requests(method: str, headers: dict[str, str], refused: bool, client: FlaskClient) -> None:
    response = client.open("/nothing", method=method, headers={"Host": "localhost:54321", **headers})
    assert response.json["Code"] == ("cross_origin" if refused else "not_found")


def test_safe_requests_may_come_from_anywhere_and_tell_nothing(client: FlaskClient) -> None:
    response = client.get("/healthz", headers={"Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Access-Control-Allow-Origin" not in client.options("/healthz", headers={"Origin": "http://elsewhere.example"}).headers


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/readyz"])
@pytest.mark.parametrize("host", ["localhost", "rebound.example"])
def test_every_answer_carries_the_headers(path: str, host: str, client: FlaskClient) -> None:
    response = client.get(path, headers={"Host": host})
    assert tuple((name, response.headers[name]) for name, _ in HEADERS) == HEADERS
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("given", ["abc-1", "01a1f8a2-818d-74fa-8ea2-c7abd25f17ca", "a" * 128, "trace/1=x@y+z:_."])
def test_a_request_id_is_taken_over(given: str, client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", [None, "", "a" * 129, "two words", "snow\xe9", "<script>"])
def test_an_id_that_does_not_belong_into_a_log_is_replaced(given: str | None, client: FlaskClient) -> None:
    headers = {} if given is None else {"X-Request-ID": given}
    first, second = (client.get("/healthz", headers=headers).headers["X-Request-ID"] for _ in range(2))
    assert UUID7.fullmatch(first)
    assert first != second


def test_a_body_of_the_largest_size_is_let_in(environment: dict[str, str]) -> None:
    from app.main import create_app

    client = create_app(Settings.read({**environment, "UV_MAX_BODY": "1024"})).test_client()
    for extra, code in ((0, "unavailable"), (1, "too_large")):
        body = b'{"Reason":""}'
        body += b" " * (1024 - len(body) + extra)
        length = client.delete("/api/dead-letters/x", data=body, content_type="application/json", headers={"Prefer": "wait=0"})
        chunks = client.delete(
            "/api/dead-letters/x",
            input_stream=BytesIO(body),
            content_type="application/json",
            headers={"Prefer": "wait=0"},
            environ_overrides=CHUNKED,
        )
        expected = {"outcome_unknown"} if code == "unavailable" else {code}
        assert {length.json["Code"], chunks.json["Code"]} == expected


def test_a_body_that_breaks_off_is_a_bad_request(client: FlaskClient) -> None:
    class Torn(BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError("gone")

    response = client.post("/nothing", input_stream=Torn(), environ_overrides=CHUNKED)
    assert (response.json["Code"], response.headers["Connection"]) == ("bad_request", "close")


def test_the_results_of_work_may_be_larger(environment: dict[str, str]) -> None:
    from app.main import create_app

    client = create_app(Settings.read({**environment, "UV_MAX_BODY": "1024", "UV_MAX_RESULT": "4096"})).test_client()
    body = {"ErrorMessage": "x" * 2000}
    codes = [
        client.post(path, json=body, headers={"Prefer": "wait=0"}).json["Code"] for path in ("/Beacon/Work/wi-1/Error", "/Beacon/Work/wi-1/Cancel")
    ]
    assert codes == ["outcome_unknown", "too_large"]
    assert client.post("/Beacon/Work/wi-1/Error", json={"ErrorMessage": "x" * 5000}).json["Code"] == "too_large"
