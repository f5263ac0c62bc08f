"""A server measured for a moment, and what is made of figures."""
import pytest

from bench.servers import system_calls
from bench.servers.contestants import OWN_WORKER, contestants
from bench.servers.measuring import Measuring
from bench.servers.report import Results, failures, picture, table
from bench.servers.rows import LINES, LOST, ROWS, Pace

STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.03    0.004012           4      1000           sendto
 38.97    0.002562           2      1200       200 recvfrom
  0.00    0.000000           0         3           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.006574           2      2203       200 total
"""


def test_the_worker_answers_every_row():
    """Those that need neither Flask, Django nor strace."""
    rows = {name: row for name, row in ROWS.items() if row.application == "plain" and "calls" not in name}
    measuring = Measuring({"fasth2": contestants(OWN_WORKER)["fasth2"]}, 1, Pace(0.1, 30, 100))
    measuring.measure(rows)
    assert not any(measuring.errors.values())
    assert set(rows) == {"8x10", "1x10", "100x1", "download", "mixed", "slow", "memory"}
    for row in rows:
        [sample] = measuring.samples[row]["fasth2"]
        assert sample[LOST] == 0
        for line in LINES:
            assert line.row != row or sample[line.figure] > 0


def test_system_calls():
    assert system_calls.parse(STRACE) == {"sendto": 1000, "recvfrom": 1200, "epoll_wait": 3}


def results(samples, errors=None):
    return Results({
        "contestants": {"fasth2": "fasth2", "peregrine": "peregrine", "granian": "granian"},
        "samples": samples, "errors": errors or {row: {} for row in samples}, "date": "", "commit": "", "processor": "",
        "processors": 2, "python": "", "openssl": "", "versions": {}, "worker_class": "", "rounds": 1, "quick": False,
    })


def rates(*values, lost=0):
    return [{"rate": value, "processor": 1e6 / value, LOST: lost} for value in values]


def cells(text, title, unit="requests/s"):
    [line] = [line for line in text.splitlines() if line.startswith(f"| {title} ") and f" {unit} " in line]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_is_the_median_of_the_rounds():
    made = results({"8x10": {
        "fasth2": rates(200, 300, 900), "peregrine": rates(100, 300, 300), "granian": rates(10, 100, 100)}})
    assert cells(table(made), "13 bytes, -c 8 -m 10") == [
        "13 bytes, -c 8 -m 10", "requests/s", "300", "300", "100",
        "2.00 × peregrine (≥ 1.6) yes, 9.00 × granian (≥ 4.5) yes"]


@pytest.mark.parametrize(("mine", "lost", "mark"), [(159, 0, "!!"), (160, 0, "yes"), (160, 1, "!!")])
def test_what_is_asked(mine, lost, mark):
    made = results({"8x10": {"fasth2": rates(mine, lost=lost), "peregrine": rates(100)}})
    shown = cells(table(made), "13 bytes, -c 8 -m 10")
    assert shown[2] == (f"{mine} (1 lost)" if lost else f"{mine}")
    assert shown[-1] == f"{mine / 100:.2f} × peregrine (≥ 1.6) {mark}, – × granian (≥ 4.5)"


@pytest.mark.parametrize(("processor", "mark"), [(75, "yes"), (76, "!!")])
def test_what_is_asked_at_most(processor, mark):
    made = results({"flask": {"fasth2": rates(1e6 / processor), "granian": rates(1e4)}})
    shown = cells(table(made), "Flask", "µs of processor")
    assert shown[-1] == f"{processor / 100:.2f} × granian (≤ 0.75) {mark}"


def test_a_server_that_fails_is_named():
    made = results({"download": {"fasth2": rates(100)}}, {"download": {"peregrine": "not answered\nlog"}})
    assert cells(table(made), "1 MiB, -c 2 -m 2", "MB/s")[2:5] == ["105", "fails", ""]
    assert failures(made) == ["peregrine fails in download: not answered"]


def test_in_the_picture_more_is_better():
    made = results({"8x10": {"fasth2": rates(320), "peregrine": rates(100)},
                    "flask": {"fasth2": rates(100), "granian": rates(50)}})
    drawn = picture(made)
    assert "requests/s: 3.2× peregrine" in drawn
    assert "Flask, processor: 2× granian" in drawn
