from __future__ import annotations

import random
import re
import time
from threading import Timer

import pytest

from beacon.providers import Cancelled, ProviderError, TimedOut
from beacon.providers.synthetic import Synthetic
from tests.beacon.conftest import MakeContext, Told


def test_a_result_tells_what_was_done(make_context: MakeContext) -> None:
    context, before = make_context(), time.time() * 1000
    outputs = Synthetic("Video", ["Encode"]).execute("Encode", {"DurationMs": 20, "LogLines": 2, "OutputBytes": 100}, context)
    assert (outputs["Success"], outputs["Action"], outputs["Capability"], outputs["DurationMs"]) == (True, "Encode", "Video", 20)
    assert before - 1 <= outputs["StartedAt"] <= outputs["FinishedAt"]
    assert outputs["ElapsedMs"] >= 19
    assert len(outputs["Filler"]) == 100
    assert context.lines() == ["Video/Encode: synthetic line 1 of 2", "Video/Encode: synthetic line 2 of 2"]


def test_an_item_without_settings_takes_the_usual_time(make_context: MakeContext) -> None:
    outputs = Synthetic(duration_ms=10).execute("Process", {}, make_context())
    assert outputs["DurationMs"] == 10
    assert "Filler" not in outputs


def test_an_unknown_action_is_a_result_without_success(make_context: MakeContext) -> None:
    outputs = Synthetic().execute("Fly", {"FailRate": 1}, make_context())
    assert outputs == {"Success": False, "Action": "Fly", "Capability": "Synthetic", "Error": "Unknown action Fly."}


def test_jitter_goes_both_ways_and_never_below_zero(make_context: MakeContext) -> None:
    provider = Synthetic(chance=random.Random(1))
    taken = [provider.execute("Process", {"DurationMs": 3, "JitterMs": 6}, make_context())["DurationMs"] for _ in range(60)]
    assert min(taken) == 0
    assert 3 < max(taken) <= 9


def test_fail_rate_one_always_fails_between_30_and_70_percent(make_context: MakeContext) -> None:
    provider, shares = Synthetic(chance=random.Random(2)), []
    for _ in range(30):
        with pytest.raises(ProviderError) as caught:
            provider.execute("Process", {"DurationMs": 5, "FailRate": 1}, make_context())
        shares.append(int(re.findall(r"at (\d+) %", str(caught.value))[0]))
    assert 30 <= min(shares) < 40
    assert 60 < max(shares) <= 70


def test_fail_rate_is_a_probability(make_context: MakeContext) -> None:
    provider, failures = Synthetic(chance=random.Random(3)), 0
    for _ in range(400):
        try:
            provider.execute("Process", {"DurationMs": 0, "FailRate": 0.25}, make_context())
        except ProviderError:
            failures += 1
    assert 70 <= failures <= 130


def test_failing_takes_its_share_of_the_time(make_context: MakeContext) -> None:
    began = time.monotonic()
    with pytest.raises(ProviderError, match="Synthetic failure"):
        Synthetic().execute("Process", {"DurationMs": 300, "FailRate": 1}, make_context())
    assert 0.09 <= time.monotonic() - began < 0.29


def test_progress_comes_four_times_a_second_and_never_says_100(make_context: MakeContext, told: Told) -> None:
    Synthetic().execute("Process", {"DurationMs": 800}, make_context())
    percents = [body["Percent"] for body in told.bodies]
    assert len(percents) == 3
    assert percents == sorted(percents)
    assert all(0 < percent <= 99 for percent in percents)


def test_it_stops_when_cancelled_or_late(make_context: MakeContext) -> None:
    context = make_context()
    timer = Timer(0.05, context.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        Synthetic().execute("Process", {"DurationMs": 60_000}, context)
    timer.join()
    with pytest.raises(TimedOut, match="50 ms"):
        Synthetic().execute("Process", {"DurationMs": 60_000}, make_context(timeout_ms=50))


def test_settings_may_be_text_but_must_be_numbers(make_context: MakeContext) -> None:
    assert Synthetic().execute("Process", {"DurationMs": "1", "JitterMs": ""}, make_context())["DurationMs"] == 1
    with pytest.raises(ProviderError, match="DurationMs must be a number"):
        Synthetic().execute("Process", {"DurationMs": "soon"}, make_context())


def test_the_filler_is_bounded(make_context: MakeContext) -> None:
    assert len(Synthetic().execute("Process", {"DurationMs": 0, "OutputBytes": 10**12}, make_context())["Filler"]) == 10 * 1024 * 1024
