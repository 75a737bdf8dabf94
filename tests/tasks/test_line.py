"""What a flush says without waiting is heard before its next question is answered, in its order; and what Redis has against it is not lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tasks.kernel import broker
from tasks.line import Line


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = broker(redis_url)
    yield made
    made.close()


@pytest.fixture
def line(client: redis.Redis) -> Iterator[Line]:
    made = Line(client)
    yield made
    made.close()


def test_what_was_sent_is_done_before_the_next_answer_and_only_that_is_told(line: Line) -> None:
    line.send([("SET", "a", "1"), ("INCR", "a")])
    line.send([("INCR", "a")])
    assert line.ask([("GET", "a"), ("EXISTS", "b")]) == [b"3", 0]


def test_without_a_question_it_waits_until_all_is_heard(line: Line, client: redis.Redis) -> None:
    line.send([("RPUSH", "list", *range(1_000))])
    assert line.ask() == []
    assert client.llen("list") == 1_000


def test_what_redis_has_against_it_is_raised_by_the_next_question_and_the_rest_is_done(line: Line) -> None:
    line.send([("SET", "a", "text"), ("INCR", "a"), ("SET", "b", "1")])
    with pytest.raises(redis.ResponseError):
        line.ask([("GET", "b")])
    assert line.ask([("GET", "b")]) == [b"1"], "no answer is left over for somebody else's question"


def test_a_line_that_is_given_back_with_answers_outstanding_is_hung_up(line: Line, client: redis.Redis) -> None:
    line.send([("SET", "a", "mine")])
    line.close()
    client.set("b", "yours")
    assert client.get("b") == b"yours", "the next one who gets the connection hears his own answer"
    assert line.ask([("GET", "b")]) == [b"yours"], "and the line connects anew"


def test_a_broker_that_is_gone_is_an_error_at_once() -> None:
    nobody = broker("redis://127.0.0.1:1")
    with pytest.raises(redis.ConnectionError):
        Line(nobody).send([("PING",)])
