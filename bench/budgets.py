"""What each row is asked to reach.

A ratio against a peer is how many times as long the peer takes. A share of the C
floor is the time of one call divided by the floor's: 1 is "no slower".
"""
from __future__ import annotations

from typing import NamedTuple


class Budget(NamedTuple):
    """What is asked of one ratio.

    Attributes:
        target: What to reach.
        least: What must be reached.
    """

    target: float
    least: float


# Row -> peer -> ratio that fasth2 through h2's calls is asked for.
ENGINE = {
    "small_get": {"h2": Budget(100, 70), "ngh2": Budget(3.4, 2.4), "zttp": Budget(2.3, 1.6)},
    "browser_get": {"h2": Budget(130, 90), "ngh2": Budget(4, 2.8), "zttp": Budget(3.3, 2.3)},
    "multiplexed_100": {"h2": Budget(110, 75), "ngh2": Budget(3.3, 2.3), "zttp": Budget(2.5, 1.7)},
    "first_request": {"h2": Budget(60, 45), "ngh2": Budget(1.5, 1.1), "zttp": Budget(5, 4)},
    "new_connection": {},
    "browser_get_1b": {"h2": Budget(35, 25), "ngh2": Budget(2.7, 2), "zttp": Budget(1.4, 1)},
    "upload_1m": {"h2": Budget(38, 25), "ngh2": Budget(1.6, 1.1), "zttp": Budget(5, 3)},
    "upload_1m_32k": {},
    "upload_64b": {"h2": Budget(45, 35), "ngh2": Budget(1.6, 1.3), "zttp": Budget(0.9, 0.7)},
    "download_1m": {"h2": Budget(40, 35), "ngh2": Budget(2, 1.6), "zttp": Budget(27, 22)},
}

# Row -> the largest share of the C floor's time that one call may take.
FLOOR = {
    "small_get": 1,
    "browser_get": 1,
    "multiplexed_100": 1,
    "first_request": 1.3,
    "browser_get_1b": 2.2,
    "upload_1m": 1.3,
    "upload_64b": 2,
    "download_1m": 1,
}

# Row -> ratio that fasth2.hpack is asked for against hpack.
HPACK = {"hpack_encode_17": Budget(20, 20), "hpack_decode_17": Budget(20, 20), "hpack_decode_17_text": Budget(20, 20)}

# Row of whole exchanges -> ratio that fasth2 is asked for against ngh2.
EXCHANGES = {
    "exchange_small": Budget(2.5, 2.5),
    "exchange_fields_32": Budget(2.5, 2.5),
    "exchange_cut_5b": Budget(2.5, 2.5),
    "exchange_body_32k": Budget(1.3, 1.3),
    "exchange_multiplexed_100": Budget(2.5, 2.5),
}

# Row -> ratio that the façade is asked for against gunicorn's class on h2.
FACADE = {
    "small_get": Budget(25, 25),
    "browser_get": Budget(25, 25),
    "download_1m": Budget(50, 50),
}
