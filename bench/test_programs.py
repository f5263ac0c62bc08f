"""What is made of the samples of programs, and that each row's program is there."""
import pytest

from .programs.__main__ import ASKED, FOLDER, ROWS, ClientRow, Sample, ratio
from .programs.environments import ROOT, command


def test_ratios_are_of_neighbours_in_time():
    samples = {"h2": [Sample(4.0, 10), Sample(9.0, 10), Sample(2.0, 10)],
               "fasth2": [Sample(2.0, 20), Sample(3.0, 40), Sample(2.0, 10)]}
    assert ratio(samples, "cost") == 2
    assert ratio(samples, "rate") == 2


def test_every_row_has_its_environment_and_program():
    assert set(ASKED) <= set(ROWS)
    for row in ROWS.values():
        assert (ROOT / "requirements" / "programs" / f"{row.environment}.txt").exists()
        if isinstance(row, ClientRow):
            assert (FOLDER / row.script).exists()


@pytest.mark.parametrize("library", ["h2", "fasth2"])
def test_only_fasth2_is_put_in_h2s_place(library):
    assert ("fasth2" in command("hypercorn", library, "-m", "x")) == (library == "fasth2")
