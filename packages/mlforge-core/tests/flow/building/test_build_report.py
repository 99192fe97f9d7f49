"""What a report of a build says, to a person and to a program."""

from __future__ import annotations

import pytest

from mlforge.errors import CheckFailed, Invalid, PluginFailed
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.flow.failure import failure_of
from mlforge.flow.online.publish_report import PublishReport, PublishResult
from mlforge.model.check import CheckResult

GOOD = BuildResult(feature="spend", status="built", version="1.0.0", rows=1_200, dropped=3)
SAME = BuildResult(feature="plans", status="unchanged", version="2.0.0", rows=5, notes=("Nothing is new.",))


def broken(error: Exception) -> BuildResult:
    return BuildResult(feature="risk", status="failed", failure=failure_of(error))


def test_a_report_is_a_line_a_feature() -> None:
    said = repr(BuildReport((GOOD, SAME, broken(Invalid("No column 'x'.", hint="Add it."))), 1.25)).splitlines()
    assert said[0] == "BuildReport(3 features, 1.2 s)"
    assert said[1].startswith("  spend 1.0.0: built, 1,200 rows.")
    assert said[2].startswith("  plans 2.0.0: unchanged, 5 rows.")
    assert said[3].startswith("  risk: failed. No column 'x'.")


def test_a_notebook_shows_the_same_as_a_table() -> None:
    shown = BuildReport((GOOD, SAME), 1.0)._repr_html_()
    for part in ("spend", "1,200", "plans", "unchanged", "2.0.0", "2 features in 1.0 s"):
        assert part in shown


def test_a_publishing_that_failed_is_said_too() -> None:
    lost = failure_of(PluginFailed("The server is gone.", hint="Start it."))
    online = PublishReport((PublishResult(feature="spend", status="failed", failure=lost),), 0.5)
    report = BuildReport((GOOD,), 1.0, online)
    assert not report.ok
    for said in (repr(report), report._repr_html_()):
        assert "failed. The server is gone. Start it." in said
    done = PublishResult(feature="spend", version="1.0.0", status="published", entities=1_200)
    assert "  spend 1.0.0: published, 1,200 entities, 0 removed." in repr(PublishReport((done,), 0.5))


def test_a_validation_says_that_promises_were_kept_and_nothing_of_building() -> None:
    kept = CheckResult("amount", "not_null", "not_null()", rows=5, failures=0)
    report = BuildReport((BuildResult(feature="spend", status="valid", checks=(kept,)),), 1.0)
    assert repr(report).splitlines()[1] == "  spend: valid, 1 of 1 promises kept."
    for said in (repr(report).partition("\n")[2], report._repr_html_()):
        assert "built" not in said.lower()


def test_results_are_found_by_name_and_in_order() -> None:
    report = BuildReport((GOOD, SAME), 1.0)
    assert report["plans"] is SAME
    assert [r.feature for r in report] == ["spend", "plans"]
    assert (len(report), report.failed) == (2, ())
    assert report.raise_for_failure() is report


def test_a_failure_is_raised_as_what_it_was() -> None:
    with pytest.raises(Invalid, match="risk: No column 'x'"):
        BuildReport((GOOD, broken(Invalid("No column 'x'.", hint="Add it."))), 1.0).raise_for_failure()
    with pytest.raises(CheckFailed, match="risk: not_null"):
        BuildReport((broken(CheckFailed("not_null of x.", hint="Mend it.", results=())),), 1.0).raise_for_failure()
