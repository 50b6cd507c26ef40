"""XLM-RoBERTa: what differs from XLM, and nothing else."""
