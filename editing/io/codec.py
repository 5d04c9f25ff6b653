"""Settings that people write: YAML read strictly, so that a slip is named instead of ignored."""

from functools import cache
from typing import Any

from editing.errors import BadInput, EditingError

MAX_TEXT = 2**23  # characters; portraits and masks travel inside recipes
MAX_VALUES = 100_000  # a small text with aliases could stand for billions
IN_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false",
            list: "a list", dict: "names and values"}  # fmt: skip


def parse_yaml(text: str, name: str, error: type[EditingError] = BadInput) -> "Settings":
    """The mapping a YAML text holds (plain values only); ``name`` is what messages call it.

    Raises:
        error: it is too long, no YAML, or no mapping.
    """
    import yaml

    if len(text) > MAX_TEXT:
        raise error(f"{name} has {len(text)} characters; the limit is {MAX_TEXT}.")
    try:
        values = yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, RecursionError, ValueError) as cause:
        reason = " ".join(str(cause).split())[:200]
        raise error(f"{name} is not readable YAML ({reason}); correct it there.") from cause
    return Settings(values, name, error)


@cache
def _loader() -> Any:
    """PyYAML's safe loader without aliases, and with an end."""
    import yaml

    class Plain(yaml.SafeLoader):
        count = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.count += 1
            if self.count > MAX_VALUES:
                raise yaml.YAMLError(f"more than {MAX_VALUES} values")
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases such as *this are not read; write the value out")
            return super().compose_node(parent, index)

    return Plain


class Settings:
    """A mapping whose values are taken out one by one; what is left at the end is unknown."""

    def __init__(self, values: Any, name: str, error: type[EditingError] = BadInput) -> None:
        if not isinstance(values, dict):
            raise error(f"{name} is {str(values)[:80]!r}; it needs names and values.")
        self.name, self.error = name, error
        self._values, self._known = dict(values), list[str]()

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of ``key``, of exactly this kind; absent or null is the default."""
        self._known.append(key)
        value = self._values.pop(key, None)
        if value is None:
            return default
        if kind is float and type(value) is int and abs(value) < 2**1023:  # beyond is no float
            value = float(value)
        if type(value) is not kind:
            raise self.error(
                f"{self.name} has {key}: {str(value)[:80]!r}; it needs {IN_WORDS[kind]}."
            )
        return value

    def need(self, key: str, kind: type) -> Any:
        """Like ``take``, of a key that must be there."""
        value = self.take(key, kind)
        if value is None:
            raise self.error(f"{self.name} lacks {key}; add {IN_WORDS[kind]} for it.")
        return value

    def give(self, key: str, value: Any) -> None:
        """Put a value in, for a reader that needs it."""
        self._values[key] = value

    def take_if_text(self, key: str) -> str | None:
        """The value of a key that may hold a text; anything else stays to be taken."""
        return self._values.pop(key) if type(self._values.get(key)) is str else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; absent is empty."""
        values = self.take(key, list, [])
        if not all(type(value) is str for value in values):
            raise self.error(f"{self.name} has {key}: {values!r}; it needs a list of texts.")
        return tuple(values)

    def all_texts(self) -> dict[str, str]:
        """All that is left, of any name, each a text."""
        values, self._values = self._values, {}
        if not all(type(name) is str and type(value) is str for name, value in values.items()):
            raise self.error(f"{self.name} has {str(values)[:80]}; it needs names and texts.")
        return values

    def part(self, key: str) -> "Settings | None":
        """A mapping inside this one; None where it is absent."""
        values = self.take(key, dict)
        return None if values is None else Settings(values, f"{key} of {self.name}", self.error)

    def parts(self, key: str, needed: bool = True) -> list["Settings"]:
        """A list of mappings, which must be there or else is empty."""
        values = self.need(key, list) if needed else self.take(key, list, [])
        return [
            Settings(value, f"{key} {number} of {self.name}", self.error)
            for number, value in enumerate(values, 1)
        ]

    def named_parts(self, key: str) -> dict[str, "Settings | None"]:
        """A mapping of mappings, any of which may be null."""
        found = self.part(key)
        names = [str(name) for name in found._values] if found else []
        return {name: found.part(name) for name in names} if found else {}

    def end(self) -> None:
        """Refuse what nobody has taken."""
        if self._values:
            unknown = str(next(iter(self._values)))[:80]
            raise self.error(
                f"{self.name} has the unknown key {unknown!r}; known are {', '.join(self._known)}."
            )
