"""How wide a text is: advance widths of the two fonts that all pictures must fit in.

Measured once in Chromium (thousandths of an em, tabular digits). Layout decides by the wider of the
two, so that a picture has the same lines in every browser.
"""

from functools import lru_cache

REGULAR, BOLD = 400, 650
CHARACTERS = (
    ' !"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz'
    '{|}~–—→←·✓✕…×★☆●○♥⋯“”‘’≥≤⌀µéäöüß◢'
)
UNKNOWN = 1050
"""A character that was not measured is taken as wide as the widest usual one."""

_INTER = (
    "281 278 403 631 638 813 639 222 362 362 500 659 276 460 276 357 648 648 648 648 648 648 648  "
    "648 648 648 276 276 659 659 659 507 936 676 651 727 719 598 581 743 740 264 543 652 563 889  "
    "753 761 635 761 639 638 540 742 625 864 642 551 625 362 305 362 469 497 497 564 621 558 621  "
    "583 361 609 591 237 237 544 237 869 585 597 609 609 372 523 364 581 537 813 540 537 541 362  "
    "327 362 659 500 1000 955 955 276 881 838 821 659 1045 1045 915 915 1023 1000 335 359 153  "
    "163 659 659 602 622 583 564 597 581 609 769"
)
_INTER_BOLD = (
    "232 325 392 649 655 859 674 209 409 409 565 680 299 469 298 390 682 682 682 682 680 682 682  "
    "682 682 682 298 296 680 680 680 563 1030 748 661 752 727 613 576 761 746 280 570 690 567  "
    "915 735 782 648 783 656 655 566 729 697 951 714 585 667 409 339 409 488 522 497 580 635 587  "
    "635 598 386 633 624 272 272 582 272 912 622 614 632 632 409 562 388 622 566 850 574 566 572  "
    "409 373 409 680 500 1000 955 955 298 881 838 799 680 1045 1045 915 915 1023 1000 376 399  "
    "197 207 680 680 602 666 598 580 614 622 664 769"
)
_DEJAVU = (
    "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636  "
    "636 636 636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557  "
    "863 748 787 585 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550  "
    "635 615 352 635 634 278 278 579 278 974 634 612 635 635 394 521 392 634 592 818 592 592 525  "
    "636 337 636 838 500 1000 838 838 318 838 838 1000 838 896 896 873 873 896 1000 391 463 318  "
    "318 838 838 602 636 615 613 612 634 630 769"
)
_DEJAVU_BOLD = (
    "348 456 521 838 696 1002 872 306 457 457 523 838 380 415 380 365 696 696 696 696 696 696  "
    "696 696 696 696 400 400 838 838 838 580 1000 774 762 734 830 683 683 821 837 372 372 775  "
    "637 995 837 850 733 850 770 720 682 812 774 1103 771 724 725 457 365 457 838 500 500 675  "
    "716 593 716 678 435 716 712 343 343 665 343 1042 712 687 716 716 493 595 478 712 652 924  "
    "645 652 582 712 365 712 838 500 1000 838 838 380 838 838 1000 838 896 896 873 873 896 1000  "
    "657 657 380 380 838 838 602 736 678 675 687 712 719 769"
)


def _table(widths: str) -> dict[str, int]:
    return dict(zip(CHARACTERS, map(int, widths.split()), strict=True))


FONTS = {
    ("Inter", REGULAR): _table(_INTER),
    ("Inter", BOLD): _table(_INTER_BOLD),
    ("DejaVu Sans", REGULAR): _table(_DEJAVU),
    ("DejaVu Sans", BOLD): _table(_DEJAVU_BOLD),
}
"""(family, weight) -> character -> thousandths of an em."""

WIDEST = {
    weight: {
        character: max(FONTS["Inter", weight][character], FONTS["DejaVu Sans", weight][character])
        for character in CHARACTERS
    }
    for weight in (REGULAR, BOLD)
}
"""weight -> character -> the wider of the two fonts: what layout decides by."""


@lru_cache(maxsize=4096)
def text_width(text: str, size: int = 11, weight: int = REGULAR) -> float:
    """The width of a text in px in the wider font."""
    table = WIDEST[weight]
    return sum(table.get(character, UNKNOWN) for character in text) * size / 1000


def text_width_in(family: str, text: str, size: int, weight: int) -> float:
    """The width of a text in px in one of the measured fonts: what tests of layout ask."""
    table = FONTS[family, weight]
    return sum(table.get(character, UNKNOWN) for character in text) * size / 1000


def fitted(text: str, width: float, size: int = 11, weight: int = REGULAR) -> str:
    """The text, or its beginning with an ellipsis when it is wider than `width` px."""
    if text_width(text, size, weight) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size, weight) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…" if kept else ""
