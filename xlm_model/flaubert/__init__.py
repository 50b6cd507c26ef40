"""FlauBERT: what differs from XLM, and nothing else."""
