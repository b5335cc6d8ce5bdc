"""What a person watching a deploy sees: each step when it begins, a table at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Step:
    name: str
    # In a few words, once it is over.
    result: str = "interrupted"
    seconds: float = 0.0


class Progress:
    def __init__(self) -> None:
        self._started = time.monotonic()
        self.steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """One step; its body says what came of it by setting `result`."""
        step = Step(name)
        self.steps.append(step)
        begun = time.monotonic()
        self.say(name)
        try:
            yield step
            if step.result == "interrupted":
                step.result = "done"
        except Exception:
            step.result = "failed"
            raise
        finally:
            step.seconds = time.monotonic() - begun

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self._started:4.0f} s · {line}", flush=True)

    def print_table(self) -> None:
        if not self.steps:
            return
        width = max(len(step.name) for step in self.steps)
        results = max(len(step.result) for step in self.steps)
        print()
        for step in self.steps:
            print(f"{step.name:{width}}  {step.result:{results}} {step.seconds:6.1f} s")
        print(flush=True)
