"""XLM-RoBERTa's vocabulary, a Unigram model: its files, and texts cut by the Rust library."""
