"""What is made of the ratios of two checkouts, and two servers compared for a moment."""
import pytest

from bench import before


def test_the_interval_holds_the_median():
    middle, low, high = before.interval([0.9, 1.0, 1.1, 1.0, 1.05])
    assert middle == 1.0
    assert 0.9 <= low <= middle <= high <= 1.1


def test_ratios_that_agree_have_a_narrow_interval():
    assert before.interval([1.2] * 15) == (1.2, 1.2, 1.2)


@pytest.mark.parametrize("name", ["wsgi"])
def test_a_checkout_beside_itself(name, capsys, monkeypatch):
    """Nothing is said of the figures: a moment is too short."""
    monkeypatch.setattr(before, "_SECONDS", 0.05)
    before.compare_servers(before._HERE, [name], ["8x10"], 2)
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"| {name} 8x10 ")]
    middle, (low, high) = (float(line.split("|")[2]), map(float, line.split("|")[3].split(" to ")))
    assert 0 < low <= middle <= high


def test_a_checkout_that_is_not_built(tmp_path, capsys):
    (tmp_path / "src" / "fasth2").mkdir(parents=True)
    with pytest.raises(SystemExit):
        before.main([str(tmp_path)])
    assert "is not built: run `make build` in it" in capsys.readouterr().err
