"""Settings that people write: YAML read strictly, so that a slip is named instead of ignored."""

from functools import cache
from typing import Any

from editing.errors import BadInput, EditingError, reason_of, shown
from editing.io.allowances import Allowance

MAX_TEXT = 2**23  # characters; portraits and masks travel inside recipes
MAX_VALUES = 100_000  # a small text with aliases could stand for billions
MAX_DEPTH = 50  # of values in values; a figure inside a recipe has 6
MAX_DIGITS = 1000  # characters of a number
IN_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false",
            list: "a list", dict: "names and values"}  # fmt: skip


def parse_yaml(
    text: str,
    name: str,
    error: type[EditingError] = BadInput,
    allowance: Allowance | None = None,
) -> "Settings":
    """The mapping a YAML text holds (plain values only); ``name`` is what messages call it.

    Args:
        allowance: of the request, for latents inside; a fresh one by default.

    Raises:
        error: it is too long, no YAML, or no mapping.
    """
    if len(text) > MAX_TEXT:
        raise error(f"{name} has {len(text)} characters; the limit is {MAX_TEXT}.")
    try:
        values = _loaded(text)
    except Exception as cause:  # PyYAML's constructors raise anything at all
        reason = reason_of(cause)
        raise error(f"{name} is not readable YAML ({reason}); correct it there.") from cause
    return Settings(values, name, error, allowance)


def _loaded(text: str) -> Any:
    """What a YAML text holds; looked through first, so that nothing is made of a bomb."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is many times as fast
    count = depth = 0
    for event in yaml.parse(text, Loader=base):
        count += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases such as *this are not read; write the value out")
        if count > MAX_VALUES:
            raise yaml.YAMLError(f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise yaml.YAMLError(f"values nested more than {MAX_DEPTH} deep")
    return yaml.load(text, Loader=_loader(base))


@cache
def _loader(base: Any) -> Any:
    """A safe loader of PyYAML's whose numbers have an end: 1:1:1:... counts in sixties."""
    import yaml

    class Plain(base):  # type: ignore[misc]
        def construct_number(self, node: Any) -> Any:
            if len(node.value) > MAX_DIGITS:
                raise yaml.YAMLError(f"a number of {len(node.value)} characters")
            whole = node.tag.endswith(":int")
            return self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)

    for kind in ("int", "float"):
        Plain.add_constructor(f"tag:yaml.org,2002:{kind}", Plain.construct_number)
    return Plain


class Settings:
    """A mapping whose values are taken out one by one; what is left at the end is unknown."""

    def __init__(
        self,
        values: Any,
        name: str,
        error: type[EditingError] = BadInput,
        allowance: Allowance | None = None,
    ) -> None:
        if not isinstance(values, dict):
            raise error(f"{name} is {shown(values)}; it needs names and values.")
        self.name, self.error = name, error
        self.allowance = allowance or Allowance()  # for the latents inside
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
            raise self.error(f"{self.name} has {key}: {shown(value)}; it needs {IN_WORDS[kind]}.")
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
            raise self.error(f"{self.name} has {key}: {shown(values)}; it needs a list of texts.")
        return tuple(values)

    def all_texts(self) -> dict[str, str]:
        """All that is left, of any name, each a text."""
        values, self._values = self._values, {}
        if not all(type(name) is str and type(value) is str for name, value in values.items()):
            raise self.error(f"{self.name} has {shown(values)}; it needs names and texts.")
        return values

    def part(self, key: str) -> "Settings | None":
        """A mapping inside this one; None where it is absent."""
        values = self.take(key, dict)
        return None if values is None else self._inner(values, f"{key} of {self.name}")

    def parts(self, key: str, needed: bool = True) -> list["Settings"]:
        """A list of mappings, which must be there or else is empty."""
        values = self.need(key, list) if needed else self.take(key, list, [])
        return [
            self._inner(value, f"{key} {number} of {self.name}")
            for number, value in enumerate(values, 1)
        ]

    def _inner(self, values: Any, name: str) -> "Settings":
        return Settings(values, name, self.error, self.allowance)

    def named_parts(self, key: str) -> dict[str, "Settings | None"]:
        """A mapping of mappings, any of which may be null."""
        found = self.part(key)
        names = [str(name) for name in found._values] if found else []
        return {name: found.part(name) for name in names} if found else {}

    def end(self) -> None:
        """Refuse what nobody has taken."""
        if self._values:
            unknown = shown(next(iter(self._values)))
            raise self.error(
                f"{self.name} has the unknown key {unknown}; known are {', '.join(self._known)}."
            )
