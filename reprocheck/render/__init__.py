"""Values to text: one module per format, each a function of one value."""
