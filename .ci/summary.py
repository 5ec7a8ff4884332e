"""The table at the end of CI: what ran and what did not; then `N passed, N failed`."""

import json
import sys
from pathlib import Path


def main(artifacts: Path) -> int:
    """The exit status: 1 when a step failed, or a test, or the tests left no report."""
    rows = [
        tuple(line.split("\t"))
        for line in (artifacts / "steps.tsv").read_text(encoding="utf-8").splitlines()
    ]
    report = artifacts / "tiers.json"
    tiers = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    print("\n  step or tier  what it did")
    for name, result, text in rows:
        print(f"  {name:<13} {result}: {text}")
    for name, tier in tiers.items():
        print(f"  {'- ' + name:<13} {tier['text']}")
    if not tiers:
        print("  - no report of the tiers: the tests did not come to their end")
    passed = sum(result == "passed" for _, result, _ in rows)
    failed = sum(result == "failed" for _, result, _ in rows) + (not tiers)
    passed += sum(tier["ran"] - tier["failed"] for tier in tiers.values())
    failed += sum(tier["failed"] for tier in tiers.values())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
