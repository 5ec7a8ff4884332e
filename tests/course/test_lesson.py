"""lesson.md read into cells."""

import pytest

from kinaction.course.lesson import LessonError, read_lesson

LESSON = """# 90 Sample

Text.

```python {raises-exception needs=90.2}
one()
```
{exercise 90.1}
{predict 90.A}
```text
{exercise 90.7}
```
## Section
{reveal 90.A}
"""


def roles(text: str) -> list[tuple[str, str]]:
    return [(cell.role, cell.ref or cell.source) for cell in read_lesson("90_sample", text)]


def test_cells_in_order() -> None:
    assert roles(LESSON) == [
        ("text", "# 90 Sample\n\nText."),
        ("code", "one()"),
        ("task", "90.1"),
        ("answer", "90.1"),
        ("check", "90.1"),
        ("task", "90.A"),
        ("predict", "90.A"),
        ("text", "```text\n{exercise 90.7}\n```"),
        ("text", "## Section"),
        ("reveal", "90.A"),
    ]


def test_tags_and_need_of_a_code_cell() -> None:
    cell = read_lesson("90_sample", LESSON)[1]
    assert (cell.tags, cell.needs) == (("raises-exception",), "90.2")


def test_an_id_stays_when_cells_come_before_it_and_twins_differ() -> None:
    before = {cell.id for cell in read_lesson("90_sample", LESSON)}
    after = {cell.id for cell in read_lesson("90_sample", "New.\n```python\n0\n```\n" + LESSON)}
    assert before < after
    twins = read_lesson("90_sample", "```python\n0\n```\n```python\n0\n```\n")
    assert len({cell.id for cell in twins}) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n```python\nx", "line 2: this code fence is never closed"),
        ("```python {hidden}\nx\n```", "line 1: tag 'hidden' is none of"),
        ("\n```python\n\n```", "line 2: this code cell is empty"),
        ("{predict 4.2}", "line 1: 4.2 is not the id of a predict"),
        ("{exercise 4.2}\n{exercise 4.2}", "4.2 stands twice"),
    ],
)
def test_a_broken_lesson_names_line_and_reason(text: str, said: str) -> None:
    with pytest.raises(LessonError, match=said):
        read_lesson("04_producers", text)
