"""What the applications of the framework tests stream."""

PARTS = [b"%d" % (number % 10) * 30000 for number in range(20)]
