"""Nothing leaks: memory over long runs, memory budgets, and who keeps what alive."""
