"""Every endpoint with bad values, one parameter at a time: is each refused with a sentence?

    python -m benchmarks.abuse_api [--domain portraits] [--only move,walk] [--show]
    python -m benchmarks.abuse --only api

Fifteen values per parameter that no sound client sends, beside sound ones for the others, and per
endpoint a missing and an unknown argument, too few values, and events that say nothing. ``fuzz``
gives outcomes: answered, refused, crashed, hung or leaked, which ``row`` sums up. crashed is a 500,
an answer without a sentence or one that apologises; leaked a sentence with a path of the server, or
a traceback.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.abuse_rows import Row, Target
from benchmarks.browser import ROOT, print_table, served

FILE = {"_type": "gradio.FileData"}
DIGITS = "1" * 5000
BAD: Mapping[str, str] = {  # name -> JSON
    "null": "null",
    "NaN": "NaN",
    "infinite": "-Infinity",
    "5000 digits": DIGITS,
    "1e308": "1e308",
    "negative": "-1",
    "true": "true",
    "empty text": '""',
    "long text": json.dumps("x" * 10_000),
    "script": json.dumps("${alert(1)}{{x}}</script><img src=x onerror=alert(1)>\\`\u202e"),
    "path": '"../../../../etc/passwd"',
    "list": '["quick", null, [1]]',
    "deep list": "[" * 60 + "]" * 60,
    "object": '{"a": {"b": null}}',
    "foreign file": json.dumps({"path": "/etc/passwd", "meta": FILE}),
}
# Sound values that cost little, where a parameter's own would draw for minutes.
CHEAP: Mapping[str, Any] = {
    "frames": 2, "size": 64, "count": 2, "steps": 5, "seeds": "1", "moves": "smile=1",
    "target": "a smiling person", "text": "a smiling person", "recipe": "edits: []", "link": "",
}  # fmt: skip
APOLOGIES = ("not your fault", "不是你的问题")
COLUMNS = ("what", "tried", "refused", "crashed", "hung", "leaked", "note")
SMALL = ("move", "generate", "invert", "open_photo")  # endpoints, one of every kind of value
LIMIT = 60.0  # seconds after which a call counts as hung


@dataclass(frozen=True)
class Call:
    """One request; ``path`` is what follows /gradio_api/."""

    endpoint: str
    parameter: str
    value: str  # the name of what is bad about it
    path: str
    body: str


@dataclass(frozen=True)
class Outcome:
    call: Call
    end: str  # answered, refused, crashed, hung or leaked
    said: str


def calls_of(info: Mapping[str, Any], only: Sequence[str] = ()) -> Iterator[Call]:
    """The calls for endpoints as /gradio_api/info describes them."""
    for name, endpoint in info["named_endpoints"].items():
        name = name.lstrip("/")
        if only and name not in only:
            continue
        sound = {each["parameter_name"]: _sound(each) for each in endpoint["parameters"]}
        path = f"call/v2/{name}"
        for parameter in sound:
            for bad, value in BAD.items():
                parts = {key: json.dumps(each) for key, each in sound.items()}
                parts[parameter] = value
                yield Call(name, parameter, bad, path, _object(parts))
            rest = {key: each for key, each in sound.items() if key != parameter}
            yield Call(name, parameter, "left out", path, json.dumps(rest))
        more = json.dumps({**sound, "surprise": 1})
        yield Call(name, "surprise", "unknown argument", path, more)
        yield Call(name, "data", "too few values", f"call/{name}", '{"data": []}')
        yield Call(name, "data", "no list", f"call/{name}", '{"data": 7}')
        yield Call(name, "", "no object", path, "[1]")


def events_of(config: Mapping[str, Any]) -> Iterator[Call]:
    """The page's own actions, joined as a page does, with an event that says nothing of use."""
    values = {each["id"]: each["props"].get("value") for each in config["components"]}
    for each in config["dependencies"]:
        if each["api_visibility"] != "private" or not each["backend_fn"]:
            continue
        data = [values.get(component) for component in each["inputs"]]
        for name, event in (("no event", None), ("odd event", {"index": "x", "act": 3})):
            body = {"fn_index": each["id"], "session_hash": "fuzz", "event_data": event}
            yield _joined(f"action {each['id']}", "event_data", name, {**body, "data": data})
        nothing = {"fn_index": each["id"], "session_hash": "fuzz", "data": [None] * len(data)}
        yield _joined(f"action {each['id']}", "data", "null", nothing)
    for number in (None, -1, 10**9, "0", True, [0]):
        body = {"fn_index": number, "session_hash": "fuzz", "data": []}
        yield _joined("action", "fn_index", str(number), body)


def _joined(endpoint: str, parameter: str, value: str, body: Mapping[str, Any]) -> Call:
    return Call(endpoint, parameter, value, "queue/join", json.dumps(body))


def _sound(parameter: Mapping[str, Any]) -> Any:
    name = parameter["parameter_name"]
    if name in CHEAP:
        return CHEAP[name]
    if parameter["parameter_has_default"]:
        return parameter["parameter_default"]
    kind = (parameter["type"] or {}).get("type")
    is_file = parameter["component"] in ("Image", "File", "Uploadbutton", "Imageeditor")
    known = {"string": "", "number": 1, "integer": 1, "boolean": False, "array": []}
    return None if is_file else known.get(kind)


def _object(parts: Mapping[str, str]) -> str:
    """JSON of values that are JSON already: some of them Python cannot write."""
    return "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in parts.items()) + "}"


def ask(web: httpx.Client, url: str, call: Call, secrets: Sequence[str] = ()) -> Outcome:
    """Make one call and judge what comes back; ``secrets`` are paths that nobody may read."""
    at = f"{url}gradio_api/{call.path}"
    try:
        response = web.post(at, content=call.body, headers={"content-type": "application/json"})
        if response.status_code != 200:
            return _judge(call, response.status_code, response.text, secrets)
        event = response.json()["event_id"]
        joined = call.path == "queue/join"
        where = f"{url}gradio_api/queue/data" if joined else f"{at}/{event}"
        with web.stream("GET", where, params={"session_hash": "fuzz"} if joined else {}) as stream:
            for kind, said in _messages(stream.iter_lines(), event if joined else ""):
                if kind == "complete":
                    return Outcome(call, "answered", said[:200])
                return _judge(call, 200, said, secrets)
        return Outcome(call, "crashed", "the stream ended without an answer")
    except httpx.TimeoutException:
        return Outcome(call, "hung", f"no answer within {LIMIT:.0f} s")


def _messages(lines: Iterable[str], event: str) -> Iterator[tuple[str, str]]:
    """("complete" or "error", what it says) of a stream; of ``event`` where many share one."""
    kind = ""
    for line in lines:
        if line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:") and kind in ("complete", "error"):
            yield kind, line[5:].strip()
        elif line.startswith("data:") and event:
            message = json.loads(line[5:])
            if message.get("event_id") == event and message["msg"] == "process_completed":
                output = json.dumps(message["output"])
                yield ("complete" if message["success"] else "error"), output


def _judge(call: Call, status: int, text: str, secrets: Sequence[str]) -> Outcome:
    """What kind of refusal it is."""
    if any(secret in text for secret in secrets) or "Traceback" in text:
        return Outcome(call, "leaked", text[:300])
    try:
        said = json.loads(text)
    except ValueError:
        said = text
    if isinstance(said, dict):
        said = said.get("error") or said.get("detail")
    is_sentence = isinstance(said, str) and len(said) > 8 and " " in said
    fails = status >= 500 or not is_sentence or any(each in said for each in APOLOGIES)
    return Outcome(call, "crashed" if fails else "refused", f"{status} {str(said)[:300]}")


def fuzz(
    url: str, only: Sequence[str] = (), secrets: Sequence[str] = (), at_once: int = 3
) -> list[Outcome]:
    """The outcomes of all calls against a server, some at once."""
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(timeout=LIMIT, limits=limits) as web, ThreadPoolExecutor(at_once) as some:
        calls = [*calls_of(web.get(f"{url}gradio_api/info").json(), only)]
        outcomes = [*some.map(lambda call: ask(web, url, call, secrets), calls)]
        events = [] if only else [*events_of(web.get(f"{url}config").json())]
        return outcomes + [ask(web, url, call, secrets) for call in events]


def row(what: str, outcomes: Sequence[Outcome]) -> Row:
    """The outcomes as one line; what a value left sound was answered rightly, which is as good."""
    ends = Counter(outcome.end for outcome in outcomes)
    fine, note = ends["refused"] + ends["answered"], f"{ends['answered']} of them answered"
    return Row(what, len(outcomes), fine, ends["crashed"], ends["hung"], ends["leaked"], note)


def rows(target: Target) -> Iterator[Row]:
    """The rows of ``benchmarks.abuse``: calls by name, and the page's own actions."""
    only = SMALL if target.small else ()
    outcomes = fuzz(target.url, only, secrets_of(target.folder))
    for what, path in (("calls of the API", "call/"), ("actions of the page", "queue/join")):
        if found := [each for each in outcomes if each.call.path.startswith(path)]:
            yield row(what, found)


def secrets_of(folder: Path) -> list[str]:
    """Paths of this machine that no sentence may hold."""
    return [str(folder), str(ROOT), str(Path.home()), "site-packages", "/gradio/"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--only", default="", help="endpoints, separated by commas")
    parser.add_argument("--show", action="store_true", help="print every refusal, too")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with served(options.domain, folder) as (url, _):
            outcomes = fuzz(url, only, secrets_of(folder))
    for outcome in outcomes:
        if options.show or outcome.end in ("crashed", "hung", "leaked"):
            call = outcome.call
            print(f"{outcome.end}: {call.endpoint} {call.parameter} {call.value}: {outcome.said}")
    print_table(COLUMNS, [[str(cell) for cell in astuple(row("calls of the API", outcomes))]])
    return int(any(outcome.end in ("crashed", "hung", "leaked") for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
