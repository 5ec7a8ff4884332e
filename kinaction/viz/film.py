"""`Film`: a trace made ready to be drawn: a first scene, patches a step, ticks, availability.

Folded once; the static card reads its end, the widget gets it whole.
"""

from collections.abc import Sequence

from kinaction.kernel.trace import Patch, Step, Trace, apply
from kinaction.kernel.value import value
from kinaction.viz.availability import Availability, Span
from kinaction.viz.lives import Lives
from kinaction.viz.plan import Plan
from kinaction.viz.replicas import Partition
from kinaction.viz.scene import Scene, SceneMaker
from kinaction.viz.ticks import Tick, ticks_of


@value
class Shot:
    """A step of the film: the step of the trace, and how the scene changes by it."""

    step: Step
    patches: Sequence[Patch]


class Film:
    """The shown part of a trace: `first` is the scene before the first shot.

    `lives` collects the lives of the records on the way, where they are wanted.
    """

    def __init__(self, trace: Trace, plan: Plan, lives: Lives | None = None) -> None:
        self.trace = trace
        self.lives = lives
        self.plan = plan
        self.shots: list[Shot] = []
        self.first: Scene = {}
        self.last: Scene = {}
        self.partitions: dict[str, Partition] = {}
        self.spans: dict[str, tuple[Span, ...]] = {}
        self.ticks: tuple[Tick, ...] = ticks_of(trace, plan)
        self._fold()

    def _fold(self) -> None:
        maker = SceneMaker(self.plan, self.trace.base)
        availability = Availability()
        is_begun = False
        for step in self.trace:
            if step.seq >= self.plan.first_seq and not is_begun:
                self.first, is_begun = dict(maker.scene), True
                for partition in maker.partitions.values():
                    availability.take(step.at_ms, partition)
            if self.lives is not None:
                self.lives.take(step, maker.partitions)
            patches = maker.take(step)
            if is_begun:
                self.shots.append(Shot(step, patches))
                for key, _, _ in patches:
                    self._note(availability, maker, key, step.at_ms)
        if not is_begun:
            self.first = dict(maker.scene)
        self.last, self.partitions = maker.scene, maker.partitions
        self.spans = availability.spans(self.end_ms)

    @staticmethod
    def _note(availability: Availability, maker: SceneMaker, key: str, now_ms: int) -> None:
        part, _, rest = key.partition("/")
        column = rest if part == "col" else rest.rpartition("/")[0] if part == "tape" else ""
        if column in maker.partitions:
            availability.take(now_ms, maker.partitions[column])

    @property
    def start_ms(self) -> int:
        """When the shown part begins."""
        return self.shots[0].step.at_ms if self.shots else 0

    @property
    def end_ms(self) -> int:
        """When the shown part ends."""
        return self.shots[-1].step.at_ms if self.shots else 0

    def scene_at(self, seq: int) -> Scene:
        """The scene after a step, as a copy of its own."""
        scene = dict(self.first)
        for shot in self.shots:
            if shot.step.seq > seq:
                break
            apply(scene, shot.patches)
        return scene
