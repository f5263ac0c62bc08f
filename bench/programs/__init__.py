"""Programs that use h2, on h2 and on fasth2: processor time and requests per second."""
