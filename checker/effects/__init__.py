"""What the official checker of a round does with a result when a rule fails, one JSON file per round."""
