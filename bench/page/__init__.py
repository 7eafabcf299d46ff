"""The results, the goals, and the page docs/benchmarks.md, which shows both."""
