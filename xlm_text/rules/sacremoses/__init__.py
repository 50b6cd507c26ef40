"""The rule set of the reference: Moses as sacremoses has it."""
