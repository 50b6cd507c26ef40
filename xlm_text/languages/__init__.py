"""The languages: what each one needs, and their names."""
