"""What the official checker of each round does with a breach of each rule: one JSON file a round."""
