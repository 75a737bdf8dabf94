"""Whether a text is one statement that only reads. The session could not write either; this is said before it is asked."""

from __future__ import annotations

import re

#: Longest statement.
LONGEST = 65_536
REFUSAL = "Only SELECT queries are allowed."

#: What is no part of the statement's own words: texts, quoted names, comments.
_QUOTED = re.compile(
    r"""'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|--[^\n]*|/\*(?!!)(?:[^*]|\*(?!/))*\*/""",
    re.DOTALL,
)
_FIRST = re.compile(r"\s*\(*\s*(?:select|with|values)\b", re.IGNORECASE)
#: Words that change something, reach files or other machines, or go on when nobody waits, wherever they stand.
_NEVER = re.compile(
    r"\b(?:into|insert|update|delete|merge|drop|alter|create|truncate|grant|revoke|attach|detach|pragma|call|exec|execute|copy|vacuum|handler|lock"
    r"|load_file|load_extension|lo_import|lo_export|dblink\w*|pg_(?:read|ls|stat|sleep|advisory|terminate|cancel|reload|rotate|promote|logical|write)\w*"
    r"|set_config|currval|nextval|setval|xp_\w+|sp_\w+|openrowset|openquery|opendatasource|sleep|benchmark|get_lock|release_lock|waitfor)\b",
    re.IGNORECASE,
)
#: An exclamation mark makes a comment of MySQL a part of the statement.
_SPOKEN_COMMENT = re.compile(r"/\*!")


def reading(text: str) -> str:
    """The statement without what ends it. Raises ValueError with what is wrong."""
    if not text.strip():
        raise ValueError("SQL is required")
    if len(text) > LONGEST or "\0" in text:
        raise ValueError(f"SQL has at most {LONGEST} characters, and none that is nothing.")
    bare = _QUOTED.sub(lambda found: " " if found[0].startswith(("--", "/*")) else " '' ", text)
    bare = bare.rstrip().removesuffix(";")
    if not _FIRST.match(bare) or ";" in bare or _SPOKEN_COMMENT.search(bare) or "'" in bare.replace("''", "") or "/*" in bare:
        raise ValueError(REFUSAL)
    if found := _NEVER.search(bare):
        raise ValueError(f"{REFUSAL} {found[0]} is more than that.")
    return text.rstrip().removesuffix(";")
