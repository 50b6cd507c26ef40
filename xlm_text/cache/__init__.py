"""What units and words of text became: why the tokenizer is fast."""
