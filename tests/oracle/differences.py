"""The deliberate differences from h2, each as a predicate with an id; docs/differences.md says why.

A predicate looks at one step of a conversation, with both outcomes, and says
whether this difference, and nothing else, explains them.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pair import Step


@dataclass(frozen=True)
class Difference:
    """One entry: ``ends`` says that the two can't be compared any further."""

    id: str
    explains: Callable[[Step], bool]
    ends: bool


ALL: dict[str, Difference] = {}


def difference(id: str, ends: bool = True) -> Callable[[Callable[[Step], bool]], Callable[[Step], bool]]:
    """Registers a predicate."""
    def register(predicate: Callable[[Step], bool]) -> Callable[[Step], bool]:
        ALL[id] = Difference(id, predicate, ends)
        return predicate
    return register


def explain(step: Step) -> Difference | None:
    """The first listed difference that explains a step, or None."""
    for one in ALL.values():
        if one.explains(step):
            return one
    return None


def structural(id: str) -> None:
    """Registers a difference that conversations are arranged around, and that only its own test shows."""
    ALL[id] = Difference(id, lambda step: False, True)


structural("errors-carry-events")
structural("input-after-error-ignored")
structural("refused-calls-change-nothing")


def _raised(error: BaseException | None) -> str:
    return "" if error is None else type(error).__name__


def _code(error: BaseException | None) -> int | None:
    return None if error is None else int(getattr(error, "error_code", -1))


def _stream_of(step: Step) -> int | None:
    """The stream that a call is about."""
    *arguments, keywords = step.arguments
    place = {"send_headers": 0, "send_data": 0, "end_stream": 0, "reset_stream": 0, "increment_flow_control_window": 1,
             "acknowledge_received_data": 1}.get(step.name)
    if place is not None and len(arguments) > place:
        return arguments[place]
    return keywords.get("stream_id")


@difference("server-cannot-open-streams")
def _server_opens(step: Step) -> bool:
    return (step.name == "send_headers" and step.h2.error is None and _raised(step.ours.error) == "NoSuchStreamError"
            and _stream_of(step) % 2 == 0 and not step.ours.sent)


@difference("calls-on-absent-streams", ends=False)
def _absent_stream(step: Step) -> bool:
    stream_id = _stream_of(step)
    return (stream_id is not None and step.h2.error is not None and stream_id not in step.pair.ours.streams
            and _raised(step.ours.error) in ("NoSuchStreamError", "StreamClosedError") and not step.ours.sent)
