"""Text that knows where its characters come from, and the spans of pieces."""
