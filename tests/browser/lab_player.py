"""One live player on the page of a notebook, as a test drives it: buttons, keys, its own state."""

import re
from typing import Any

VIEW = "root.parentElement.kinaction"
FRESH = re.compile(r' class="hit fresh"')
MORE_MS = 30_000


class LivePlayer:
    """The player in the output of a cell; `root` is its element on the page."""

    def __init__(self, page: Any, root: Any) -> None:
        self.page = page
        self.root = root
        root.wait_for()
        root.evaluate("(root) => root.parentElement.kinactionReady")
        root.scroll_into_view_if_needed()

    def of(self, what: str) -> Any:
        """What an expression is; `view` is the view: of("view.film.seq")."""
        return self.root.evaluate(f"(root) => {{ const view = {VIEW}; return {what}; }}")

    def until(self, condition: str) -> None:
        """Wait until it is so; `view` is the view: until("view.film.seq > 24")."""
        self.page.wait_for_function(
            f"(root) => {{ const view = {VIEW}; return {condition}; }}",
            arg=self.root.element_handle(), timeout=MORE_MS)

    @property
    def seq(self) -> int:
        """The step it stands at."""
        return int(self.of("view.film.seq"))

    @property
    def last(self) -> int:
        """The last step of what it shows."""
        return int(self.of("view.film.steps.at(-1).seq"))

    @property
    def words(self) -> str:
        """The narration."""
        return str(self.root.locator(".words").inner_text())

    @property
    def head(self) -> str:
        """What is selected, by the inspector's heading."""
        return str(self.root.locator(".insp .head").inner_text())

    def frozen(self) -> tuple[str, str]:
        """The state of this moment: the scene as text, and all marks of the stage."""
        self.settle()
        return self.of("view.film.frozen()"), FRESH.sub(
            ' class="hit"', self.root.locator(".stage").inner_html())

    def settle(self) -> None:
        """All easing is over."""
        self.root.evaluate(
            "(root) => Promise.all(root.getAnimations({subtree: true}).map("
            "(held) => held.finished.catch(() => 0)))")

    def go(self, seq: int) -> None:
        """Stand at a step."""
        self.of(f"(view.pause(), view.go(view.film.indexOfSeq({seq})))")
        self.settle()

    def click(self, name: str) -> None:
        """Click one of its buttons, by its accessible name."""
        self.root.get_by_role("button", name=name, exact=True).click()

    def pick(self, key: str) -> None:
        """Click a mark of the stage: "broker:2", "message:57", "record:t-0/12@1"."""
        self.root.locator(f'.stage [data-key="{key}"]').click()

    def focus(self, part: str) -> None:
        """Put the keyboard's focus on a part: ".stage", ".time"."""
        self.root.locator(part).focus()

    def press(self, *keys: str) -> None:
        """Press keys, where the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def focused(self) -> str:
        """The accessible name of what has the focus, if it is inside the player."""
        return str(self.root.evaluate(
            "(root) => root.contains(document.activeElement)"
            " ? document.activeElement.getAttribute('aria-label') : 'outside'"))

    def seq_of(self, words: str) -> int:
        """The first step after this one whose sentence has these words."""
        found = self.of(f"view.film.steps.find((step) => step.seq > {self.seq}"
                        f" && step.words.includes({words!r}))?.seq ?? -1")
        assert found >= 0, f"no step says {words!r}"
        return int(found)

    def leader_of(self, column: str) -> int:
        """The broker whose tape of a column has the leader's star now; 0: none."""
        return int(self.of(
            "view.layout.brokers.find("
            f"(id) => view.scene['tape/{column}/' + id]?.mark === 'leader') ?? 0"))
