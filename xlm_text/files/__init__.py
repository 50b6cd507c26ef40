"""Every file format of a tokenizer, and where files are found and written."""
