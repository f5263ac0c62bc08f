"""The attacks of docs/security.md, as one table (`tests.support.attacks`): against the engine, and against every server."""
