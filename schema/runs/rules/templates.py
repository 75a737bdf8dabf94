"""Templates: text with `{~D:Record.<address>~}` in it. What comes in is text and never a template again, so none can grow by itself."""

from __future__ import annotations

import json
import re
from typing import Any

from schema.runs.rules.address import Scope, look_up

#: The most tags of one text, and the most characters that may come of it.
MOST_TAGS, LONGEST = 1_000, 4_194_304

TAG = re.compile(r"\{~D(?:ata)?:([^~{}]{1,500})~\}")


class TemplateTooLarge(ValueError):
    """A template grows beyond what a setting may hold."""


def filled(text: str, scope: Scope) -> Any:
    """The text with its tags replaced; a text that is nothing but one tag becomes the value itself, with its own type.

    What is not there becomes empty text, or None where the tag stands alone. Raises BadAddress, TemplateTooLarge.
    """
    if "{~" not in text:
        return text
    alone = TAG.fullmatch(text.strip())
    if alone is not None:
        return look_up(alone[1], scope)
    parts: list[str] = []
    size = last = 0
    for count, tag in enumerate(TAG.finditer(text), 1):
        if count > MOST_TAGS:
            raise TemplateTooLarge(f"a template has at most {MOST_TAGS} tags")
        part = shown(look_up(tag[1], scope))
        size += len(part) + tag.start() - last
        if size > LONGEST:
            raise TemplateTooLarge(f"a template may become at most {LONGEST} characters")
        parts += [text[last : tag.start()], part]
        last = tag.end()
    return "".join([*parts, text[last:]])


def shown(value: Any) -> str:
    """A value within text.

    >>> [shown(value) for value in ("a", 1, 2.5, True, None, {"a": [1]})]
    ['a', '1', '2.5', 'true', '', '{"a":[1]}']
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)
