"""The targets: a module each, with a function `one_input` that raises where an invariant does not hold."""
