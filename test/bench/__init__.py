"""make bench: the figures of the README, as ratios with medians of paired runs."""
