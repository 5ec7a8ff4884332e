"""The scene of a moment: what the picture says about the trace, and how it folds."""

from kinaction.kernel.trace import apply, take_back
from kinaction.viz.film import Film
from kinaction.viz.plan import plan_of
from tests.viz.sample import METADATA, TOPIC, sample

CRASHED, FENCED, TOLD = 390, 416, 430


def film() -> Film:
    return Film(sample(), plan_of(sample(), first_seq=20))


def seq_of(name: str) -> int:
    return next(step.seq for step, _ in sample().facts(name))


def test_patches_take_back_what_they_did() -> None:
    made = film()
    scene = dict(made.first)
    before = []
    for shot in made.shots:
        before.append(dict(scene))
        apply(scene, shot.patches)
    assert scene == made.last
    for shot, was in zip(reversed(made.shots), reversed(before), strict=True):
        take_back(scene, shot.patches)
        assert scene == was, shot.step.seq


def test_a_dead_leader_leaves_no_leader_and_what_only_it_has_is_endangered() -> None:
    scene = film().scene_at(seq_of("NodeCrashed"))
    assert scene["row/2"]["status"] == "offline"
    column = scene[f"col/{TOPIC}-1"]
    assert column["lead"] is None
    assert column["bad"]
    assert scene[f"tape/{TOPIC}-1/2"]["mark"] == "was"
    assert scene[f"tape/{TOPIC}-1/2"]["only"] == [4, 5]
    assert scene[f"tape/{TOPIC}-1/2"]["text"] == "4 is only here"
    assert scene["actor/consumer-2"]["lines"][1][0] == "1: no leader"


def test_a_dead_follower_in_the_isr_holds_the_high_watermark() -> None:
    scene = film().scene_at(seq_of("BrokerFenced") - 1)
    assert scene[f"tape/{TOPIC}-0/2"]["text"] == "holds HW at 19"
    assert scene[f"col/{TOPIC}-0"]["hw"] == 19
    assert scene[f"col/{TOPIC}-0"]["top"] == 23
    assert scene[f"col/{TOPIC}-0"]["isr"] == [1, 2, 3]
    assert scene["actor/producer-1"]["lines"][1][0] == "4 wait {t}"


def test_elected_is_not_told() -> None:
    elected = film().scene_at(seq_of("BrokerFenced"))
    assert elected[f"col/{TOPIC}-1"]["text"] == "no leader → 3, epoch 6"
    assert elected[f"tape/{TOPIC}-1/3"]["mark"] == "elected"
    assert elected[f"tape/{TOPIC}-1/3"]["text"] == "elected, not told"
    told = film().scene_at(seq_of("BecameLeader"))
    assert told[f"col/{TOPIC}-1"]["text"] == "leader 3 · ISR {1,3}"
    assert told[f"tape/{TOPIC}-1/3"]["mark"] == "leader"
    assert told[f"tape/{TOPIC}-1/2"]["text"] == "its 4 is lost"


def test_the_metadata_log_is_led_by_the_controller() -> None:
    scene = film().last
    assert scene[f"col/{METADATA}"]["text"] == "controller 1"
    assert scene["row/1"]["duties"] == ["controller"]
    assert scene["row/3"]["duties"] == ["coordinator"]


def test_availability_and_ticks() -> None:
    made = film()
    kinds = {key: [span.kind for span in spans] for key, spans in made.spans.items()}
    assert kinds == {f"{TOPIC}-0": ["ok", "wait", "ok"], f"{TOPIC}-1": ["ok", "none", "ok"],
                     f"{TOPIC}-2": ["ok", "wait"]}
    headless = made.spans[f"{TOPIC}-1"][1]
    assert (headless.from_ms, headless.to_ms) == (4002, 12952)
    assert [tick.label for tick in made.ticks] == ["broker 2 dies", "broker 2 fenced", "3 elected"]


def test_a_broker_whose_links_are_all_cut_is_cut_off() -> None:
    from kinaction.kernel.events import TimerFired
    from kinaction.kernel.trace import Step
    from kinaction.viz.scene import SceneMaker

    maker = SceneMaker(plan_of(sample()), sample().state)

    def cut(*links: str) -> list[str]:
        step = Step(0, 15_000, "hand", TimerFired("note"), (), [("faults/cut", None, list(links))],
                    -1, 0)
        maker.take(step)
        return list(maker.scene["row/3"]["duties"])

    assert cut("3|1") == ["coordinator"]
    assert cut("3|1", "3|2", "3|producer-1") == ["cut off", "coordinator"]
