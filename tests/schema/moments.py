"""Times for property tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

#: Any time of 1990 to 2100, to the millisecond: what the kernel's clock gives.
moments = st.integers(631_152_000_000, 4_102_444_800_000).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
