"""What is shown of a replay."""

from __future__ import annotations

import pytest

from mlforge.cli.views.online_reports import replayed
from mlforge.errors import nearest
from mlforge.flow.online.replay_report import ReplayReport, ReplayResult


@pytest.mark.parametrize(("cells", "equal"), [(0, False), (7, True)])
def test_of_nothing_that_was_compared_nothing_is_said_to_be_equal(cells, equal, capsys):
    replayed(ReplayReport((ReplayResult(feature="spend", version="1.0.0", entities=cells, cells=cells),)))
    assert ("100" in capsys.readouterr().out) is equal


@pytest.mark.parametrize(("count", "more"), [(1, False), (20, False), (21, True)])
def test_a_list_of_what_is_known_says_where_it_is_cut_short(count, more):
    hint = nearest("zzzzzz", [f"feature_{n}" for n in range(count)])
    assert hint.startswith("Known: feature_0") and hint.endswith(", …" if more else ".")
