"""Answers that this environment has given before, within bounds."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

# Of all answers together; a Lambda environment has a few hundred megabytes.
LARGEST_SHELF: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer, made when the edition had this mark."""

    edition: UUID
    body: bytes
    etag: str


@dataclass
class Shelf:
    """Answers by address. What nobody asked for the longest makes room."""

    largest: int = LARGEST_SHELF
    size: int = 0
    answers: OrderedDict[str, Answer] = field(default_factory=OrderedDict)

    def get(self, address: str) -> Answer | None:
        answer = self.answers.get(address)
        if answer:
            self.answers.move_to_end(address)
        return answer

    def put(self, address: str, answer: Answer) -> None:
        self._drop(address)
        self.answers[address] = answer
        self.size += _weight(address, answer)
        while self.size > self.largest:
            self._drop(next(iter(self.answers)))

    def clear(self) -> None:
        self.answers.clear()
        self.size = 0

    def _drop(self, address: str) -> None:
        if dropped := self.answers.pop(address, None):
            self.size -= _weight(address, dropped)


def _weight(address: str, answer: Answer) -> int:
    # Of which an address of a search nobody repeats is the larger part.
    return len(address) + len(answer.body)
