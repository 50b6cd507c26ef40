"""From what a call is given to the columns of its batch."""
