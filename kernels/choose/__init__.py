"""What is decided before a call: instruction set, schedule, threads; and what is remembered of it."""
